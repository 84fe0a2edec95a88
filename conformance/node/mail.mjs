// The mail that people get: from the mail server of the test where there is one, else from the development mailbox.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { baseUrl } from './server.mjs';

/** What the mail server took in, a line of JSON each; conformance/python/mail_server.py writes it. */
const file = process.env.COUNTERSIGN_MAILS;

const unescaped = (html) =>
  html.replace(/<[^>]*>/g, '').replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))).replaceAll('&amp;', '&');

async function delivered(to) {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return lines.filter((mail) => mail.recipients.includes(to)).map(({ text }) => text);
}

/** The newest is the first in the mailbox. */
async function inMailbox(to) {
  const page = await (await fetch(`${baseUrl}/dev/mailbox`)).text();
  const rows = [...page.matchAll(/<a href="(\/dev\/mailbox\/[^"]+)">.*?<\/a>/gs)].filter(([row]) => row.includes(to));
  const texts = rows.map(async ([, path]) => {
    const message = await (await fetch(`${baseUrl}${path}`)).text();
    return unescaped(/<pre[^>]*>(.*?)<\/pre>/s.exec(message)[1]);
  });
  return (await Promise.all(texts)).reverse();
}

/** The text of the message number `count` to an address, once it has arrived. */
export async function mailTo(to, count = 1) {
  const began = Date.now();
  for (;;) {
    const texts = await (file ? delivered(to) : inMailbox(to));
    if (texts.length >= count) {
      assert.equal(texts.length, count, `each message once: ${texts}`);
      return texts[count - 1];
    }
    assert.ok(Date.now() - began < 20_000, `no mail number ${count} to ${to}`);
    await pause(50);
  }
}

/** The code in a message. */
export const codeIn = (text) => /\b\d{6}\b/.exec(text)[0];

/** The link in a message to a page of ours. */
export const linkIn = (text, path) => text.split(/\s/).find((word) => word.startsWith(`${baseUrl}${path}`));
