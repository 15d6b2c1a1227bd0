import { BadRequestException } from '@nestjs/common';

export interface NewUser {
  name: string;
  email: string;
}

export interface User extends NewUser {
  id: number;
  createdAt: string;
}

/** Takes a request's body for a user, or answers 400 saying what is wrong with it. */
export function parseNewUser(body: unknown): NewUser {
  const { name, email } = (body ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || name.trim() === '') throw new BadRequestException('name is missing');
  if (typeof email !== 'string' || !/^[^@\s]+@[^@\s]+$/.test(email))
    throw new BadRequestException('email is not an address');
  return { name: name.trim(), email };
}
