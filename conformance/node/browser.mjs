// A person at a browser: headless Chromium, which fills in our pages as somebody would.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { baseUrl, manage, unique } from './server.mjs';

export const password = 'violet-tractor-humming-42';

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  });
}

/** Somebody with a proven address and a password. */
export async function person(firstName = 'Ada', lastName = 'Lovelace') {
  const email = `${unique(firstName.toLowerCase().replace(/[^a-z]/g, ''))}@example.com`;
  const body = { email, password, first_name: firstName, last_name: lastName, email_verified: true };
  return manage('POST', '/user_management/users', body, 201);
}

/** Types address and password, wherever the browser was sent to do so. */
export async function signIn(page, email, secret = password) {
  await page.getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Sign in', exact: true }).or(page.getByRole('button', { name: 'Continue' })).first().click();
}

/** A page of a fresh browser, and what goes wrong in it with our pages. Others' have no icon. */
export async function freshPage(browser) {
  const context = await browser.newContext({ ignoreHTTPSErrors: baseUrl.startsWith('https:') });
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => {
    const elsewhere = /^https?:/.test(message.location().url) && !message.location().url.startsWith(baseUrl);
    if (message.type() === 'error' && !(elsewhere && message.text().startsWith('Failed to load'))) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  return { context, page, errors };
}

/** Opens an address that answers with JSON. */
export async function json(page, url) {
  const response = await page.goto(url);
  const text = await response.text();
  assert.equal(response.status(), 200, text);
  return JSON.parse(text);
}
