import { Controller, Get, Logger, ServiceUnavailableException } from '@nestjs/common';
import { Cache } from './cache';
import { Database } from './database';

interface Health {
  status: 'ok' | 'unavailable';
  checks: Record<string, string>;
}

@Controller()
export class HealthController {
  private readonly logger = new Logger('health');
  private last = '';

  constructor(
    private readonly database: Database,
    private readonly cache: Cache,
  ) {}

  /** Readiness: may this pod get requests? Asks what it depends on, the users table included. */
  @Get('health')
  async health(): Promise<Health> {
    const checks = {
      'postgres-user': await outcome(this.database.query('SELECT 1 FROM users LIMIT 1')),
      redis: await outcome(this.cache.ping()),
    };
    this.logChange(checks);
    const ok = Object.values(checks).every((check) => check === 'ok');
    if (!ok) throw new ServiceUnavailableException({ status: 'unavailable', checks } satisfies Health);
    return { status: 'ok', checks };
  }

  /** Liveness: is this process well? A database that is away is no reason to restart it. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** Probes ask every few seconds; only what is new is worth a line. */
  private logChange(checks: Health['checks']): void {
    const line = Object.entries(checks)
      .map(([name, check]) => `${name}: ${check}`)
      .join(', ');
    if (line !== this.last) this.logger.log(line);
    this.last = line;
  }
}

async function outcome(check: Promise<unknown>): Promise<string> {
  try {
    await check;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.message || error.name : String(error);
  }
}
