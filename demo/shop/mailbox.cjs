// Where pages arrive: a real SMTP server and a webhook receiver that keep what they got.
//   usage: SMTP_PORT=… PORT=… node mailbox.cjs     GET /messages -> {mails: [{from, to, subject, text}], hooks: [{headers, body}]}
'use strict';
const http = require('node:http');
const { SMTPServer } = require('smtp-server');

const KEEP = 200;
const mails = [];
const hooks = [];
const keep = (list, entry) => {
  list.push(entry);
  if (list.length > KEEP) list.shift();
};

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const subject = /^Subject: (.*)$/im.exec(text)?.[1].trim() ?? '';
      keep(mails, { from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map((r) => r.address), subject, text });
      done();
    });
  },
});
smtp.on('error', (error) => console.error(`mailbox: ${error.message}`));
smtp.listen(Number(process.env.SMTP_PORT ?? 18083), '127.0.0.1');

http
  .createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (request.method === 'POST') {
      keep(hooks, { path: request.url, headers: request.headers, body: text });
      response.writeHead(204).end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ mails, hooks }));
    }
  })
  .listen(Number(process.env.PORT ?? 18084), '127.0.0.1', () => console.log('mailbox is ready'));
