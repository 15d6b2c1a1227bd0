import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface Capteur {
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly value: number;
}

export interface Place {
  readonly lat: number;
  readonly lon: number;
  readonly km: number;
}

export interface Store {
  /** What measures distances. */
  readonly how: string;
  ping(): Promise<void>;
  add(capteur: Capteur): Promise<Capteur>;
  list(): Promise<readonly Capteur[]>;
  near(place: Place): Promise<readonly (Capteur & { readonly km: number })[]>;
  close(): Promise<void>;
}

const columns = 'name, lat, lon, value';
const table = `CREATE TABLE IF NOT EXISTS capteurs (
  name text PRIMARY KEY, lat double precision NOT NULL, lon double precision NOT NULL, value double precision NOT NULL)`;

/** Kilometres between a row and the place $1 (latitude), $2 (longitude). */
const withPostgis = 'ST_DistanceSphere(ST_MakePoint(lon, lat), ST_MakePoint($2, $1)) / 1000';
const withoutPostgis = `2 * 6371 * asin(sqrt(power(sin(radians(lat - $1) / 2), 2)
  + cos(radians($1)) * cos(radians(lat)) * power(sin(radians(lon - $2) / 2), 2)))`;

/** Waits for the database, which may still be starting. The connection is described by the PG… variables. */
export async function openStore(): Promise<Store> {
  const pool = new pg.Pool({ max: 4 });
  // A connection that breaks while nobody uses it is replaced by the next query.
  pool.on('error', (error) => console.error(`the database: ${error.message}`));
  await untilReady(pool);
  const hasPostgis = await enablePostgis(pool);
  const distance = hasPostgis ? withPostgis : withoutPostgis;
  const rows = async <T>(sql: string, values: readonly unknown[] = []) =>
    (await pool.query(sql, [...values])).rows as readonly T[];
  return {
    how: hasPostgis ? 'PostGIS measures distances' : 'a formula measures distances: this server has no PostGIS',
    ping: async () => void (await pool.query('SELECT 1')),
    add: async (capteur) => {
      await rows(
        `INSERT INTO capteurs (${columns}) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET lat = $2, lon = $3, value = $4`,
        [capteur.name, capteur.lat, capteur.lon, capteur.value],
      );
      return capteur;
    },
    list: () => rows(`SELECT ${columns} FROM capteurs ORDER BY name`),
    near: ({ lat, lon, km }) =>
      rows(
        `SELECT * FROM (SELECT ${columns}, ${distance} AS km FROM capteurs) AS found WHERE km <= $3 ORDER BY km, name`,
        [lat, lon, km],
      ),
    close: () => pool.end(),
  };
}

async function untilReady(pool: pg.Pool): Promise<void> {
  for (;;) {
    try {
      await pool.query(table);
      return;
    } catch (error) {
      console.log(`waiting for the database: ${(error as Error).message}`);
      await delay(500);
    }
  }
}

/** A plain PostgreSQL, or a stand-in, has no such extension: then a formula does. */
async function enablePostgis(pool: pg.Pool): Promise<boolean> {
  try {
    await pool.query('CREATE EXTENSION IF NOT EXISTS postgis');
    return true;
  } catch (error) {
    console.log(`no PostGIS: ${(error as Error).message}`);
    return false;
  }
}
