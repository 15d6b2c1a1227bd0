import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

// The answer is read at each request, so that a synced file is served at once, without a restart.
const greeting = new URL('greeting.txt', import.meta.url);

const server = createServer(async (request, response) => {
  if (request.url === '/health') return response.end('ok\n');
  console.log(`${request.method} ${request.url}`);
  return response.end(await readFile(greeting));
});
server.listen(8080, () => console.log('hello listens on 8080'));
process.on('SIGTERM', () => {
  console.log('hello ends');
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
