import { Module } from '@nestjs/common';
import { Cache } from './cache';
import { Database } from './database';
import { HealthController } from './health.controller';
import { UsersController } from './users/users.controller';
import { UsersService } from './users/users.service';

@Module({
  controllers: [HealthController, UsersController],
  providers: [Cache, Database, UsersService],
})
export class AppModule {}
