import { ConflictException, Injectable, Logger, NotFoundException } from '@nestjs/common';
import { Cache } from '../cache';
import { Database } from '../database';
import type { NewUser, User } from './user';

const COLUMNS = 'id, name, email, created_at AS "createdAt"';
const UNIQUE_VIOLATION = '23505';

@Injectable()
export class UsersService {
  private readonly logger = new Logger('users');

  constructor(
    private readonly database: Database,
    private readonly cache: Cache,
  ) {}

  async create({ name, email }: NewUser): Promise<User> {
    const sql = `INSERT INTO users (name, email) VALUES ($1, $2) RETURNING ${COLUMNS}`;
    try {
      const [user] = await this.database.query<User>(sql, [name, email]);
      return user;
    } catch (error) {
      if ((error as { code?: string }).code === UNIQUE_VIOLATION) throw new ConflictException(`${email} is taken`);
      throw error;
    }
  }

  async list(): Promise<User[]> {
    return this.database.query<User>(`SELECT ${COLUMNS} FROM users ORDER BY id DESC LIMIT 100`);
  }

  /** A user never changes once created, so what the cache holds is right for as long as it is kept. */
  async find(id: number): Promise<{ user: User; cached: boolean }> {
    const key = `user:${id}`;
    const kept = await this.cache.get<User>(key);
    this.logger.debug(`${key}: cache ${kept ? 'hit' : 'miss'}`);
    if (kept) return { user: kept, cached: true };
    const [user] = await this.database.query<User>(`SELECT ${COLUMNS} FROM users WHERE id = $1`, [id]);
    if (!user) throw new NotFoundException(`no user ${id}`);
    await this.cache.set(key, user);
    return { user, cached: false };
  }
}
