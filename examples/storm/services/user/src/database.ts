import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Pool, type QueryResultRow } from 'pg';

/** The connections to postgres-user. The pool opens them when they are needed, so a database that starts later is no error. */
@Injectable()
export class Database implements OnApplicationShutdown {
  private readonly logger = new Logger('postgres-user');
  private readonly pool = new Pool({
    // Where and as whom: PGHOST, PGUSER, PGPASSWORD and PGDATABASE, which the library reads itself.
    max: 5,
    connectionTimeoutMillis: 2000,
  });

  constructor() {
    // An idle connection that breaks is reported here; without a listener it would end the process.
    this.pool.on('error', (error) => this.logger.warn(`connection lost: ${error.message}`));
  }

  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
