import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Capteur, Store } from './store.js';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * `GET /health`, `POST /capteurs` with a name, a latitude, a longitude and a value, `GET /capteurs`, and
 * `GET /capteurs/near?lat=48.85&lon=2.35&km=10`, the nearest first.
 */
export async function answer(request: IncomingMessage, store: Store): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (`${request.method} ${pathname}`) {
    case 'GET /health':
      await store.ping();
      return { status: 200, body: { ok: true, distances: store.how } };
    case 'GET /capteurs':
      return { status: 200, body: await store.list() };
    case 'GET /capteurs/near': {
      const [lat, lon, km] = ['lat', 'lon', 'km'].map((name) => Number(searchParams.get(name) ?? Number.NaN));
      if (![lat, lon, km].every(Number.isFinite)) return { status: 400, body: { error: 'give lat, lon and km' } };
      return { status: 200, body: await store.near({ lat: lat ?? 0, lon: lon ?? 0, km: km ?? 0 }) };
    }
    case 'POST /capteurs': {
      const capteur = parse(await text(request));
      return capteur
        ? { status: 201, body: await store.add(capteur) }
        : { status: 400, body: { error: 'give name, lat, lon and value' } };
    }
    default:
      return { status: 404, body: { error: 'there is nothing here' } };
  }
}

function parse(body: string): Capteur | undefined {
  try {
    const { name, lat, lon, value } = JSON.parse(body) as Partial<Record<string, unknown>>;
    const isPlace = Math.abs(Number(lat)) <= 90 && Math.abs(Number(lon)) <= 180;
    if (typeof name !== 'string' || !isPlace || !Number.isFinite(value)) return undefined;
    return { name, lat: Number(lat), lon: Number(lon), value: Number(value) };
  } catch {
    return undefined;
  }
}
