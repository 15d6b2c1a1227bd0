import { createServer } from 'node:http';
import { answer } from './routes.js';
import { openStore } from './store.js';

const store = await openStore();
const server = createServer((request, response) => {
  answer(request, store)
    .catch((error: Error) => ({ status: 500, body: { error: error.message } }))
    .then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    });
});
const port = Number(process.env['PORT'] ?? 3000);
server.listen(port, () => console.log(`api-capteur listens on ${port}; ${store.how}`));

process.once('SIGTERM', () => {
  server.close(() => store.close());
  server.closeAllConnections();
});
