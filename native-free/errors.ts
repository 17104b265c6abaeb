// The one error class of the project and its closed set of codes. Verdicts on the byte path are values, not these.

/** Every code there is: docs/errors.md. */
export type HotlinkErrorCode =
  | 'ERR_HLNK_CONFIG' // a setting cannot be used as given
  | 'ERR_HLNK_USAGE' // a call or a command line that makes no sense
  | 'ERR_HLNK_RELAY_UNAVAILABLE' // the relay cannot be reached, or the connection was lost for good
  | 'ERR_HLNK_AUTH' // the relay refused who we say we are
  | 'ERR_HLNK_DENIED' // the ACL refused the path
  | 'ERR_HLNK_PEER_UNAVAILABLE' // the peer did not answer in time
  | 'ERR_HLNK_STRICT' // strict mode: a fallback would have been needed
  | 'ERR_HLNK_ADDON' // the WebRTC addon could not be loaded
  | 'ERR_HLNK_MARKER' // a marker file that cannot be used
  | 'ERR_HLNK_PATH' // a path a peer or a file may not name
  | 'ERR_HLNK_PORT_BUSY' // a local port is taken
  | 'ERR_HLNK_GAP' // a hole in the stream that cannot be repaired
  | 'ERR_HLNK_SEAL' // a sealed frame was changed on its way through the relay
  | 'ERR_HLNK_IDENTITY' // a peer shows another identity key than the pinned one, or none
  | 'ERR_HLNK_WORKER' // a worker thread died
  | 'ERR_HLNK_LOCKED' // another daemon holds the data directory
  | 'ERR_HLNK_CLOSED' // the object was closed before the call finished
  | 'ERR_HLNK_INTERNAL'; // a broken invariant: a bug in this program

/** The one error class of this package: a code to switch on, a message to show. */
export class HotlinkError extends Error {
  /** Always `HotlinkError`. */
  override readonly name = 'HotlinkError';
  /** Which of the closed set of things went wrong. */
  readonly code: HotlinkErrorCode;

  /** The message says what happened and what to do about it. */
  constructor(code: HotlinkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
