import 'reflect-metadata';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];

/** The Go services' LOG_LEVEL says `info` where Nest says `log`. */
function logLevels(level = 'info'): LogLevel[] {
  const at = LEVELS.indexOf(level === 'info' ? 'log' : (level as LogLevel));
  return LEVELS.slice(0, (at < 0 ? LEVELS.indexOf('log') : at) + 1);
}

async function main(): Promise<void> {
  // A client that keeps its connection open must not keep a stopping pod alive.
  const app = await NestFactory.create(AppModule, {
    forceCloseConnections: true,
    logger: new ConsoleLogger({ json: true, logLevels: logLevels(process.env.LOG_LEVEL) }),
  });
  app.enableShutdownHooks();
  const port = Number(process.env.PORT ?? 3000);
  await app.listen(port);
  new Logger('user-service').log(`listening on :${port}`);
}

void main();
