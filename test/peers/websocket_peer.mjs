// The npm package `ws` as the other side: `server` echoes, `client URL` puts a server to the test.
import WebSocket, { WebSocketServer } from 'ws';
import assert from 'node:assert/strict';
import { once } from 'node:events';

const sizes = [0, 1, 125, 126, 65535, 65536, 1024 * 1024 - 1];

function serve() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('listening', () => console.log(server.address().port));
  server.on('connection', (socket, request) => {
    socket.on('pong', (data) => `${data}` === 'p' && socket.send('pong:p'));
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? '' : data.toString();
      if (text === 'headers') socket.send(request.headers['x-test'] ?? 'none');
      else if (text === 'ping me') socket.ping('p');
      else if (text === 'close me') socket.close(4001, 'as asked');
      else if (text === 'drop me') socket.terminate();
      else if (text === 'fragments') {
        socket.send('Grü', { fin: false });
        socket.ping('between');
        socket.send('ß', { fin: false });
        socket.send(' dich', { fin: true });
      } else socket.send(data, { binary: isBinary });
    });
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

async function connect(url, options = {}) {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}

async function status(url, options) {
  const socket = new WebSocket(url, options);
  const [, response] = await once(socket, 'unexpected-response');
  response.resume();
  return response.statusCode;
}

async function test(url) {
  const socket = await connect(url);
  assert.equal(socket.extensions, '');
  for (const n of sizes) {
    const data = Buffer.alloc(n, 'x');
    for (const binary of [true, false]) {
      socket.send(data, { binary });
      const [back, isBinary] = await once(socket, 'message');
      assert.equal(isBinary, binary);
      assert.ok(data.equals(back), `${n} bytes came back as others`);
    }
  }
  socket.send('Grü', { fin: false });
  socket.ping('between');
  socket.send('ß dich', { fin: true });
  const pong = once(socket, 'pong');
  const [back] = await once(socket, 'message');
  assert.equal(back.toString(), 'Grüß dich');
  assert.equal((await pong)[0].toString(), 'between');

  const echoes = [];
  const all = new Promise((resolve) => {
    socket.on('message', (data) => echoes.push(data.toString()) === 1000 && resolve());
  });
  const sent = Array.from({ length: 1000 }, (_, i) => `${i}`);
  for (const text of sent) socket.send(text);
  await all;
  assert.deepEqual(echoes, sent);

  socket.close(4002, 'enough');
  const [code, reason] = await once(socket, 'close');
  assert.equal(code, 4002);
  assert.equal(reason.toString(), '');  // the code comes back alone

  const big = await connect(url);
  big.send(Buffer.alloc(2 * 1024 * 1024));
  assert.equal((await once(big, 'close'))[0], 1009);

  assert.equal(await status(url, { origin: 'https://evil.example' }), 403);
  assert.equal(await status(url.replace('/echo', '/nowhere')), 404);
  assert.equal(await status(url, { protocolVersion: 8 }), 426);
  console.log('good');
}

const [role, url] = process.argv.slice(2);
if (role === 'server') serve();
else {
  await test(url);
  process.exit(0);  // not before idle connections end else
}
