import { Body, Controller, Get, Param, ParseIntPipe, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import { greeting } from './greeting';
import { parseNewUser, type User } from './user';
import { UsersService } from './users.service';

@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Post()
  create(@Body() body: unknown): Promise<User> {
    return this.users.create(parseNewUser(body));
  }

  @Get()
  list(): Promise<User[]> {
    return this.users.list();
  }

  @Get('greeting')
  greet(): { greeting: string } {
    return { greeting };
  }

  @Get(':id')
  async find(@Param('id', ParseIntPipe) id: number, @Res({ passthrough: true }) response: Response): Promise<User> {
    const { user, cached } = await this.users.find(id);
    response.setHeader('X-Cache', cached ? 'hit' : 'miss');
    return user;
  }
}
