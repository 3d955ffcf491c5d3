// The npm package `smtp-server` as the other side: `smtp_peer.mjs FOLDER [OPTIONS]` prints its port and
// keeps each message that it takes as FOLDER/N.eml, with what the dialogue said in N.json. OPTIONS is
// JSON: secure, key, cert, starttls, user, password. Addresses say what it answers: to
// `rcpt-450@…`, from `mail-550@…`, and `data-451@…` after the final dot. Ends with standard input.
import { SMTPServer } from 'smtp-server';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text);
let count = 0;

function refusal(address, command) {
  const wanted = new RegExp(`^${command}-(\\d{3})@`).exec(address);
  if (!wanted) return null;
  const error = new Error(`as ${command} asked`);
  error.responseCode = Number(wanted[1]);
  return error;
}

const server = new SMTPServer({
  secure: options.secure ?? false,
  key: options.key,
  cert: options.cert,
  hideSTARTTLS: !options.starttls,
  allowInsecureAuth: true,
  authOptional: !options.user,
  disabledCommands: options.user ? [] : ['AUTH'],
  disableReverseLookup: true,
  size: 20 * 1024 * 1024,
  logger: false,
  onAuth(auth, session, done) {
    if (auth.username === options.user && auth.password === options.password)
      return done(null, { user: auth.username });
    done(new Error('wrong password'));
  },
  onMailFrom: (address, session, done) => done(refusal(address.address, 'mail')),
  onRcptTo: (address, session, done) => done(refusal(address.address, 'rcpt')),
  onData(stream, session, done) {
    const pieces = [];
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('end', () => {
      const to = session.envelope.rcptTo.map((r) => r.address);
      const error = refusal(to[0], 'data');
      if (error) return done(error);
      const name = join(folder, `${++count}`);
      const about = { from: session.envelope.mailFrom.address, to, secure: session.secure,
                      user: session.user ?? null, name: session.hostNameAppearsAs,
                      id: session.id };
      writeFileSync(`${name}.eml`, Buffer.concat(pieces));
      writeFileSync(`${name}.json`, JSON.stringify(about));
      done(null, 'kept');
    });
  },
});
server.on('error', () => {});  // a connection that was cut
server.listen(0, '127.0.0.1', () => console.log(server.server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
