/** Words of the language for parts of the message, and what they are compared as. */
export type FieldType = 'text' | 'uri' | 'ip' | 'int' | 'proto' | 'af' | 'method';

export const FIELDS: Readonly<Record<string, FieldType>> = {
  method: 'method',
  uri: 'uri',
  from_uri: 'uri',
  to_uri: 'uri',
  src_ip: 'ip',
  dst_ip: 'ip',
  src_port: 'int',
  dst_port: 'int',
  proto: 'proto',
  af: 'af',
  'msg:len': 'int',
  status: 'int',
  // of what is being sent: only in onsend_route
  snd_ip: 'ip',
  snd_port: 'int',
  snd_proto: 'proto',
  snd_af: 'af',
  to_ip: 'ip',
  to_port: 'int',
  to_proto: 'proto',
  to_af: 'af',
};
