/** The routing tests on the real Kamailio. */
import { normalised, type Outcome } from '../fixtures/routing/golden.ts';
import { SCRIPT } from '../fixtures/routing/ours.ts';
import { ALIAS, type Profile, SOCKETS } from '../fixtures/routing/world.ts';
import { startKamailio } from './kamailio.ts';
import { openPeers } from './routing-peers.ts';

function listen(): string[] {
  return SOCKETS.map(socket => {
    const { proto, ip, port } = socket;
    const advertised = 'advertisedIp' in socket ? ` advertise ${socket.advertisedIp}:${socket.advertisedPort}` : '';
    const name = 'name' in socket ? ` name "${socket.name}"` : '';
    return `${proto}:${ip.includes(':') ? `[${ip}]` : ip}:${port}${advertised}${name}`;
  });
}

export async function kamailioOutcomes(profiles: readonly Profile[]): Promise<Outcome[]> {
  const out: Outcome[] = [];
  for (const profile of profiles) {
    const params = profile.params.map(
      ([module, name, value]) =>
        `modparam("${module}", "${name}", ${typeof value === 'number' ? value : `"${value}"`})`,
    );
    const kamailio = await startKamailio({
      port: SOCKETS[0].port,
      script: SCRIPT,
      config: [`alias=${ALIAS}`, ...params].join('\n'),
      listen: listen(),
      modules: ['rr', 'nathelper'],
    });
    const peers = await openPeers();
    try {
      for (const one of profile.cases)
        out.push({
          name: `${profile.name}: ${one.name}`,
          sent: (await peers.deliver(one)).map(normalised),
        });
    } finally {
      await peers.close();
      await kamailio.stop();
    }
  }
  return out;
}
