// What the relay counts. Names are part of the operational interface; a number only grows.

/** What a relay counts; a number only grows. */
export class RelayCounters {
  /** WebSocket connections that were opened. */
  connectionsTotal = 0;
  /** Upgrades refused because there were as many connections as allowed; sockets that were reset at once are among them. */
  refusedTotal = 0;
  /** Those refused because their user had as many as allowed. */
  refusedUser = 0;
  /** Those refused because their address had. */
  refusedAddress = 0;
  /** Those refused while draining. */
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
  /** Messages received. */
  messagesIn = 0;
  /** Their bytes. */
  bytesIn = 0;
  /** Messages sent. */
  messagesOut = 0;
  /** Their bytes. */
  bytesOut = 0;
  /** Frames that could not be decoded and were skipped. */
  badEnvelopes = 0;
  /** Messages of a kind that a client has no business sending here, or an unknown one. */
  ignoredMessages = 0;
  /** Sessions opened. */
  opens = 0;
  /** Opens refused: the ACL says no. */
  opensDenied = 0;
  /** Opens refused: a path nobody may name. */
  opensBadPath = 0;
  /** Opens refused: an id nobody may use. */
  opensBadSid = 0;
  /** Opens refused: an id that is in use. */
  opensSidTaken = 0;
  /** Opens refused: the user has as many sessions as allowed. */
  opensOverLimit = 0;
  /** Sessions accepted. */
  accepts = 0;
  /** Accepts refused: not asked, too late, or the ACL says no. */
  acceptsRefused = 0;
  /** Data handed to a recipient. */
  dataForwarded = 0;
  /** How many of those left as the very bytes that came. */
  dataForwardedRaw = 0;
  /** Data dropped: no such session. */
  dataUnknownSession = 0;
  /** Data dropped: from somebody who did not open the session. */
  dataNotOpener = 0;
  /** Data dropped: its path is not of its session. */
  dataForeignPath = 0;
  /** Data dropped: nobody has accepted the session. */
  dataNotAccepted = 0;
  /** Data, Signals and reasons dropped: the recipient may not read the path. */
  dataDenied = 0;
  /** Reject, Close and Signal from somebody who has no part in the session. */
  strangers = 0;
  /** Sessions forgotten because their user stayed away. */
  sessionsExpired = 0;
  /** Sessions that nobody accepted, forgotten for new ones. */
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
  /** Times a connection was not read because its user had sent too much. */
  throttled = 0;
  /** Connections closed because that went on for too long. */
  rateDisconnects = 0;
  /** Messages with more bytes than allowed. */
  messagesTooLarge = 0;
  /** Messages in more fragments than allowed. */
  messagesTooFragmented = 0;
  /** Other breaches of the WebSocket protocol. */
  protocolErrors = 0;
  /** Clients disconnected because this process was cut off from its cluster. */
  cutOffDisconnects = 0;
  /** ACL files replaced. */
  aclUpdates = 0;
  /** ACL files refused. */
  aclRefused = 0;
  /** STUN requests answered. */
  stunRequests = 0;
  /** STUN packets that were not answered. */
  stunIgnored = 0;
}
