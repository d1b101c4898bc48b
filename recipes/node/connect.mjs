// A connection to the broker as an agency: over TCP, or over WebSocket where a firewall lets nothing else through.
import { wsconnect } from "@nats-io/nats-core";
import { connect as tcp } from "@nats-io/transport-node";
import { WebSocket } from "ws";

export const agency = process.env.NAUNGAN_AGENCY;

export async function connect() {
  const servers = process.env.NAUNGAN_NATS;
  const options = {
    servers,
    user: agency,
    pass: process.env.NAUNGAN_PASSWORD,
    inboxPrefix: `_INBOX_${agency}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    waitOnFirstConnect: true,
  };
  if (!servers.startsWith("ws")) return tcp(options);
  globalThis.WebSocket ??= WebSocket; // of itself Node has one from version 22 on
  return wsconnect(options);
}
