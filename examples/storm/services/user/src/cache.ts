import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';

const SECONDS_KEPT = Number(process.env.CACHE_SECONDS ?? 60);

/** What Redis holds may be lost at any time: without Redis every read is a miss, and the service goes on. */
@Injectable()
export class Cache implements OnApplicationShutdown {
  private readonly logger = new Logger('redis');
  private readonly redis = new Redis({
    host: process.env.REDIS_HOST ?? 'localhost',
    port: Number(process.env.REDIS_PORT ?? 6379),
    // Fail at once while disconnected, so that a read falls through to the database instead of waiting.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 250, 3000),
  });

  constructor() {
    this.redis.on('ready', () => this.logger.log('connected'));
    this.redis.on('error', (error) => this.logger.warn(`not connected, trying again: ${error.message}`));
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    try {
      const text = await this.redis.get(key);
      return text === null ? undefined : (JSON.parse(text) as Value);
    } catch (error) {
      this.logger.warn(`${key} not read: ${String(error)}`);
      return undefined;
    }
  }

  async set(key: string, value: unknown): Promise<void> {
    try {
      await this.redis.set(key, JSON.stringify(value), 'EX', SECONDS_KEPT);
    } catch (error) {
      this.logger.warn(`${key} not kept: ${String(error)}`);
    }
  }

  async ping(): Promise<void> {
    await this.redis.ping();
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
