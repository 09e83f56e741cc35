/** Transport names by Kamailio's numbers (L.PROTO_*). */
export const PROTO_NAMES = ['none', 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'] as const;

export const protoName = (id: number): string => PROTO_NAMES[id] ?? 'other';
/** @returns 0 for an unknown name */
export const protoId = (name: string): number =>
  Math.max(0, (PROTO_NAMES as readonly string[]).indexOf(name.toLowerCase()));
