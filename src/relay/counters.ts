// What the relay counts. Names are part of the operational interface; a number only grows.

export class RelayCounters {
  connectionsTotal = 0;
  /** Upgrades refused for a limit: in all, per user, per address; and while draining. Sockets that were reset at once are among them. */
  refusedTotal = 0;
  refusedUser = 0;
  refusedAddress = 0;
  refusedDraining = 0;
  /** Requests whose head or body took too long, TLS handshakes among them. */
  slowRequests = 0;
  /** Requests that are no HTTP, or have too large a head. */
  badRequests = 0;
  /** Bodies over the limit. */
  largeBodies = 0;
  /** HTTP requests refused for their user's rate. */
  requestsThrottled = 0;
  /** Authentication that failed on this side or took too long. */
  authErrors = 0;
  /** Upgrades refused: bad identity or token, foreign origin. */
  authFailures = 0;
  messagesIn = 0;
  bytesIn = 0;
  messagesOut = 0;
  bytesOut = 0;
  /** Frames that could not be decoded and were skipped. */
  badEnvelopes = 0;
  /** Messages of a kind that a client has no business sending here, or an unknown one. */
  ignoredMessages = 0;
  opens = 0;
  opensDenied = 0;
  opensBadPath = 0;
  opensBadSid = 0;
  opensSidTaken = 0;
  opensOverLimit = 0;
  accepts = 0;
  acceptsRefused = 0;
  /** Data handed to a recipient, and how many of those left as the very bytes that came. */
  dataForwarded = 0;
  dataForwardedRaw = 0;
  /** Data lost on purpose: no such session, not the opener, nobody accepted, recipient may not read. */
  dataUnknownSession = 0;
  dataNotOpener = 0;
  dataNotAccepted = 0;
  dataDenied = 0;
  /** Reject, Close and Signal from somebody who has no part in the session. */
  strangers = 0;
  sessionsExpired = 0;
  sessionsEvicted = 0;
  /** Times a sender was stopped because a recipient had too much waiting. */
  pauses = 0;
  /** Recipients disconnected because they took nothing for too long. */
  stuckDisconnects = 0;
  /** Recipients disconnected because they had the most waiting when all queues together were full. */
  overflowDisconnects = 0;
  /** Connections cut off because nothing was heard of them. */
  silentDisconnects = 0;
  /** Connections closed because what they had shown is no longer good. */
  expiredDisconnects = 0;
  /** Times a connection was not read because its user had sent too much; connections closed because that went on. */
  throttled = 0;
  rateDisconnects = 0;
  /** Messages over the limit, in bytes or in fragments; other breaches of the WebSocket protocol. */
  messagesTooLarge = 0;
  messagesTooFragmented = 0;
  protocolErrors = 0;
  /** Clients disconnected because this process was cut off from its cluster. */
  cutOffDisconnects = 0;
  aclUpdates = 0;
  aclRefused = 0;
  stunRequests = 0;
  stunIgnored = 0;
}
