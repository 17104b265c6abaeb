// What the relay counts. Names are part of the operational interface; a number only grows.

export class RelayCounters {
  connectionsTotal = 0;
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
  aclUpdates = 0;
  aclRefused = 0;
  stunRequests = 0;
  stunIgnored = 0;
}
