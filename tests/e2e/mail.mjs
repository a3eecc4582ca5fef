// SPDX-License-Identifier: BSD-2-Clause
//
// Logs in to a mail server with a token, as mail programs on node do.
//
//   echo SETTINGS | node mail.mjs
//
// settings: program      imapflow or nodemailer
//           host, port   of the server, which is to offer STARTTLS
//           user, token  who logs in
//
// Prints one line of JSON: {ok: true}, with the folders that imapflow found, or {ok: false, error,
// response, told}: what the server answered, and the error of RFC 7628 where the program shows it.
import { readFileSync } from 'node:fs';

import { ImapFlow } from 'imapflow';
import nodemailer from 'nodemailer';

const { program, host, port, user, token } = JSON.parse(readFileSync(0, 'utf8'));

async function imapflow() {
  const client = new ImapFlow({
    host, port, secure: false, doSTARTTLS: true, logger: false, auth: { user, accessToken: token },
  });
  await client.connect();
  const folders = (await client.list()).map(({ path }) => path);
  await client.logout();
  return { folders };
}

async function sendWithNodemailer() {
  const transport = nodemailer.createTransport({
    host, port, secure: false, requireTLS: true,
    auth: { type: 'OAuth2', user, accessToken: token },
  });
  const { accepted } = await transport.sendMail({
    from: 'alice@example.com', to: 'bob@example.org', subject: 'hello', text: 'hello',
  });
  transport.close();
  return { accepted };
}

const programs = { imapflow, nodemailer: sendWithNodemailer };
try {
  console.log(JSON.stringify({ ok: true, ...(await programs[program]()) }));
} catch (error) {
  const { message, response, oauthError: told } = error;
  console.log(JSON.stringify({ ok: false, error: message, response, told }));
}
// imapflow leaves a connection open after a refusal.
process.exit(0);
