// A person at a browser: headless Chromium, which fills in our pages as somebody would.

import { chromium } from 'playwright-core';
import { manage, unique } from './server.mjs';

export const password = 'violet-tractor-humming-42';

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  });
}

/** Somebody with a proven address and a password. */
export async function person(firstName = 'Ada', lastName = 'Lovelace') {
  const email = `${unique(firstName.toLowerCase())}@example.com`;
  const body = { email, password, first_name: firstName, last_name: lastName, email_verified: true };
  return manage('POST', '/user_management/users', body, 201);
}

/** Types address and password, wherever the browser was sent to do so. */
export async function signIn(page, email) {
  await page.getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).or(page.getByRole('button', { name: 'Continue' })).first().click();
}
