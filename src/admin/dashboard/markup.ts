// The dashboard's page before anything is known: landmarks, headings, and the places that the script fills. No style attributes and no
// inline handlers: the page's policy refuses them.

export function markup(style: string, scripts: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>hotlink</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#channels-title">Skip to the channels</a>
<header>
  <h1>hotlink <span id="email"></span></h1>
  <p class="relay"><span id="relay-state" class="pill" data-tone="quiet">relay</span> <span id="relay-detail">asking the daemon…</span></p>
</header>
<main>
  <p id="connection" class="banner" role="status" hidden></p>
  <p id="announcer" class="unseen" role="status"></p>
  <noscript><p class="banner">This page needs JavaScript. On a terminal, hotlink status and hotlink top show the same.</p></noscript>
  <section aria-labelledby="now-title" class="card">
    <h2 id="now-title">Now</h2>
    <dl class="tiles">
      <div><dt>Out</dt><dd id="out">–</dd></div>
      <div><dt>In</dt><dd id="in">–</dd></div>
      <div><dt>Slowest round trip</dt><dd id="round-trip">–</dd></div>
      <div><dt>Channels</dt><dd id="channel-count">–</dd></div>
      <div><dt>Memory</dt><dd id="memory">–</dd></div>
      <div><dt>Processor</dt><dd id="processor">–</dd></div>
    </dl>
    <div id="total-plot"></div>
  </section>
  <section aria-labelledby="troubles-title" class="card">
    <h2 id="troubles-title">What stands in the way</h2>
    <ul id="troubles" class="troubles"></ul>
    <p id="trouble-count" class="quiet"></p>
  </section>
  <section aria-labelledby="channels-title">
    <h2 id="channels-title" tabindex="-1">Channels</h2>
    <p id="no-channels" class="card quiet" hidden>None: no stream.tcp marker names this identity, and none was asked for.</p>
    <div id="channels"></div>
  </section>
  <section aria-labelledby="ipc-title" class="card" id="ipc-section" hidden>
    <h2 id="ipc-title">Local IPC</h2>
    <div class="scroll" role="region" aria-labelledby="ipc-title" tabindex="0">
      <table>
        <thead><tr><th scope="col">directory</th><th scope="col">endpoint</th><th scope="col">consent</th><th scope="col">application</th><th scope="col">waiting</th><th scope="col">from it</th><th scope="col">to it</th></tr></thead>
        <tbody id="ipc"></tbody>
      </table>
    </div>
  </section>
  <section aria-labelledby="threads-title" class="card">
    <h2 id="threads-title">Threads</h2>
    <div class="scroll" role="region" aria-labelledby="threads-title" tabindex="0">
      <table>
        <thead><tr><th scope="col">thread</th><th scope="col">busy</th><th scope="col">late, mean</th><th scope="col">late, p99</th><th scope="col">worst</th><th scope="col">state</th></tr></thead>
        <tbody id="threads"></tbody>
      </table>
    </div>
  </section>
  <section aria-labelledby="happenings-title" class="card">
    <div class="row"><h2 id="happenings-title">What happened lately</h2>
    <label>Only with <input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="lane, a session, a peer…"></label></div>
    <p id="no-happenings" class="quiet"></p>
    <ol id="happenings" class="happenings" tabindex="0" aria-labelledby="happenings-title"></ol>
  </section>
</main>
<footer><p id="about"></p></footer>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`;
}
