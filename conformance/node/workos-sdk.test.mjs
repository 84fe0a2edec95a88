// The WorkOS SDK for Node, unmodified and told nothing but where the server is. Two major versions: the newest, and the
// last that knew no Connect, with other method names and older habits on the wire.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as newest from '@workos-inc/node';
import * as eighth from 'workos-node-8';
import { apiKey, baseUrl, clientId, machine, token, unique } from './server.mjs';

const url = new URL(baseUrl);

function client(sdk, options = {}) {
  return new sdk.WorkOS(options.key ?? apiKey, {
    clientId,
    apiHostname: url.hostname,
    port: url.port ? Number(url.port) : undefined,
    https: url.protocol === 'https:',
    ...options,
  });
}

/** Passes every request on and loses the first answer, as a broken connection does. */
function losesTheFirstAnswer() {
  const seen = [];
  const fetchFn = async (input, init) => {
    seen.push(new Headers(init.headers).get('idempotency-key'));
    const response = await fetch(input, init);
    if (seen.length === 1) {
      await response.text();
      throw new TypeError('fetch failed');
    }
    return response;
  };
  return { fetchFn, seen };
}

/** The exception must be of this class, and carry what support asks for. */
async function refused(sdk, name, status, action) {
  let caught;
  await assert.rejects(action, (error) => {
    caught = error;
    assert.equal(error.name, name, error.message);
    assert.equal(error.status, status);
    // Version 8 exports not all of its classes, and misses the header that names the request.
    if (sdk === newest) {
      assert.ok(error instanceof sdk[name]);
      assert.match(error.requestID, /^req_/);
    }
    return true;
  });
  return caught;
}

/** The newest code that was mailed to an address: without a mail server, messages stay to be read. */
async function mailedCode(email) {
  const page = await (await fetch(`${baseUrl}/dev/mailbox`, { headers: { 'accept-language': 'en' } })).text();
  const row = new RegExp(`<strong>(\\d{6}) is your code[^<]*</strong><span>${email.replaceAll('.', '\\.')} `);
  return row.exec(page)[1];
}

const MANY = 105;
const many = unique('Many');

before(async () => {
  const workos = client(newest);
  const left = Array.from({ length: MANY }, (_, number) => `${many} ${number}`);
  const worker = async () => {
    for (let name = left.pop(); name; name = left.pop()) await workos.organizations.createOrganization({ name });
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
});

const versions = {
  '@workos-inc/node 11': {
    sdk: newest,
    permissionList: async (workos) => (await workos.authorization.listPermissions()).autoPagination(),
    keys: (workos) => workos.apiKeys,
    validate: (workos, value) => workos.apiKeys.createValidation({ value }),
    portal: (workos) => workos.adminPortal,
  },
  '@workos-inc/node 8': {
    sdk: eighth,
    permissionList: async (workos) => (await workos.authorization.listPermissions({ limit: 100 })).data,
    keys: (workos) => workos.organizations,
    validate: (workos, value) => workos.apiKeys.validateApiKey({ value }),
    portal: (workos) => workos.portal,
  },
};

for (const [title, { sdk, permissionList, keys, validate, portal }] of Object.entries(versions)) {
  describe(title, () => {
    const workos = client(sdk);

    test('events: by name, by organization, and from the last one on', async () => {
      const name = unique('Events');
      const { id: organizationId } = await workos.organizations.createOrganization({ name });
      await workos.organizations.updateOrganization({ organization: organizationId, name: `${name} Ltd` });
      await workos.organizations.deleteOrganization(organizationId);
      const events = ['organization.created', 'organization.updated', 'organization.deleted'];
      const all = await workos.events.listEvents({ events, organizationId });
      assert.deepEqual(all.data.map(({ event }) => event), events);
      assert.deepEqual(all.data.map(({ data }) => data.id), Array(3).fill(organizationId));
      assert.deepEqual(all.data.map(({ data }) => data.name), [name, `${name} Ltd`, `${name} Ltd`]);
      assert.match(all.data[0].id, /^event_/);
      assert.match(all.data[0].createdAt, /^\d{4}-/);
      const rest = await workos.events.listEvents({ events: events.slice(1), organizationId, after: all.data[1].id });
      assert.deepEqual(rest.data, all.data.slice(2));
      const since = await workos.events.listEvents({ events, organizationId, rangeStart: all.data[0].createdAt });
      assert.deepEqual(since.data, all.data);
      const never = { events, organizationId, rangeEnd: '2020-01-01T00:00:00.000Z' };
      assert.deepEqual((await workos.events.listEvents(never)).data, []);
      await refused(sdk, 'UnprocessableEntityException', 422, () => workos.events.listEvents({ events: ['no name'] }));
    });

    test('organizations: create, get, update, delete', async () => {
      const externalId = unique('ext/1 a');
      const domain = `${unique('acme')}.example.com`;
      const made = await workos.organizations.createOrganization({
        name: 'Acme',
        domainData: [{ domain, state: 'pending' }],
        externalId,
        metadata: { tier: 'gold', region: 'eu' },
      });
      assert.equal(made.object, 'organization');
      assert.match(made.id, /^org_/);
      assert.equal(made.name, 'Acme');
      assert.equal(made.externalId, externalId);
      assert.deepEqual(made.metadata, { tier: 'gold', region: 'eu' });
      assert.equal(made.allowProfilesOutsideOrganization, false);
      assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(made.domains.length, 1);
      assert.equal(made.domains[0].domain, domain);
      assert.equal(made.domains[0].state, 'pending');
      assert.equal(made.domains[0].organizationId, made.id);

      assert.deepEqual(await workos.organizations.getOrganization(made.id), made);
      // Version 8 puts the identifier into the path as it is; only newer ones escape it.
      const inPath = sdk === newest ? externalId : encodeURIComponent(externalId);
      assert.deepEqual(await workos.organizations.getOrganizationByExternalId(inPath), made);
      assert.equal((await workos.organizations.listOrganizations({ domains: [domain] })).data[0].id, made.id);

      const renamed = await workos.organizations.updateOrganization({ organization: made.id, name: 'Acme Ltd' });
      assert.equal(renamed.name, 'Acme Ltd');
      assert.equal(renamed.externalId, externalId, 'what was not named stays');
      assert.deepEqual(renamed.metadata, made.metadata);
      assert.equal(renamed.domains.length, 1);
      const changed = await workos.organizations.updateOrganization({
        organization: made.id,
        externalId: null,
        stripeCustomerId: 'cus_1',
        metadata: { tier: null, region: 'us' },
      });
      assert.equal(changed.externalId, null);
      assert.equal(changed.stripeCustomerId, 'cus_1');
      assert.deepEqual(changed.metadata, { region: 'us' });
      const moved = `${unique('acme')}.example.com`;
      const replaced = await workos.organizations.updateOrganization({
        organization: made.id,
        domainData: [{ domain: moved, state: 'verified' }],
      });
      assert.deepEqual(replaced.domains.map(({ domain, state }) => [domain, state]), [[moved, 'verified']]);

      await workos.organizations.deleteOrganization(made.id);
      await refused(sdk, 'NotFoundException', 404, () => workos.organizations.getOrganization(made.id));
    });

    test('organizations: pages, both ways, and more than a hundred rows', async () => {
      const list = await workos.organizations.listOrganizations({ search: many });
      assert.equal(list.object, 'list');
      assert.equal(list.data.length, 10, 'ten is the default');
      assert.equal(list.listMetadata.before, null);
      assert.equal(list.listMetadata.after, list.data[9].id);
      const all = await list.autoPagination();
      assert.equal(all.length, MANY);
      assert.equal(new Set(all.map(({ id }) => id)).size, MANY);
      assert.ok(all[0].createdAt > all[MANY - 1].createdAt, 'newest first');
      const ascending = await workos.organizations.listOrganizations({ search: many, order: 'asc' });
      assert.deepEqual((await ascending.autoPagination()).map(({ id }) => id), all.map(({ id }) => id).reverse());

      const second = await workos.organizations.listOrganizations({ search: many, limit: 3, after: all[2].id });
      assert.deepEqual(second.data.map(({ id }) => id), all.slice(3, 6).map(({ id }) => id));
      assert.equal(second.listMetadata.before, all[3].id);
      const first = await workos.organizations.listOrganizations({ search: many, limit: 3, before: all[3].id });
      assert.deepEqual(first.data.map(({ id }) => id), all.slice(0, 3).map(({ id }) => id));
      const last = await workos.organizations.listOrganizations({ search: many, limit: 10, after: all[MANY - 3].id });
      assert.equal(last.data.length, 2);
      assert.equal(last.listMetadata.after, null);
    });

    test('permissions: create, list, get, update, delete', async () => {
      const slug = unique('invoices:read');
      const made = await workos.authorization.createPermission({ slug, name: 'Read invoices', description: 'All' });
      assert.equal(made.object, 'permission');
      assert.equal(made.slug, slug);
      assert.equal(made.description, 'All');
      assert.equal(made.system, false);
      assert.equal(made.resourceTypeSlug, 'organization');
      assert.deepEqual(await workos.authorization.getPermission(slug), made);
      assert.deepEqual((await permissionList(workos)).find((permission) => permission.slug === slug), made);
      const renamed = await workos.authorization.updatePermission(slug, { name: 'See invoices' });
      assert.equal(renamed.name, 'See invoices');
      assert.equal(renamed.description, 'All');
      const cleared = await workos.authorization.updatePermission(slug, { description: null });
      assert.equal(cleared.description, null);
      const conflict = () => workos.authorization.createPermission({ slug, name: 'Again' });
      const error = await refused(sdk, 'ConflictException', 409, conflict);
      assert.doesNotMatch(error.message, /^Error:|A conflict has occurred/, 'the sentence of the server arrives');
      await workos.authorization.deletePermission(slug);
      await refused(sdk, 'NotFoundException', 404, () => workos.authorization.getPermission(slug));
    });

    test('users: create, get, list, update, delete', async () => {
      const users = workos.userManagement;
      const email = `${unique('Ada')}@example.com`;
      const externalId = unique('person');
      const answer = await users.createUser({
        email,
        password: 'mallet sparrow tungsten',
        firstName: 'Ada',
        lastName: 'Lovelace',
        externalId,
        metadata: { tier: 'gold' },
      });
      // The newest version may wrap it.
      const made = answer.user ?? answer;
      assert.equal(made.object, 'user');
      assert.match(made.id, /^user_/);
      assert.equal(made.email, email);
      assert.equal(made.emailVerified, false);
      assert.equal(made.lastSignInAt, null);
      assert.deepEqual(made.metadata, { tier: 'gold' });
      const found = await users.getUser(made.id);
      assert.equal(found.firstName, 'Ada');
      assert.deepEqual(await users.getUserByExternalId(externalId), found);
      assert.deepEqual((await users.listUsers({ email: email.toUpperCase() })).data, [found]);
      assert.deepEqual(await users.getUserIdentities(made.id), []);
      const changed = await users.updateUser({ userId: made.id, firstName: 'Augusta', emailVerified: true, metadata: { tier: null } });
      assert.equal(changed.firstName, 'Augusta');
      assert.equal(changed.lastName, 'Lovelace', 'what was not named stays');
      assert.equal(changed.emailVerified, true);
      assert.deepEqual(changed.metadata, {});
      const weak = () => users.createUser({ email: `${unique('eve')}@example.com`, password: 'password' });
      let error = await refused(sdk, 'BadRequestException', 400, weak);
      assert.equal(error.code, 'password_strength_error');
      assert.equal(error.errors[0].code, 'password_too_short');
      error = await refused(sdk, 'BadRequestException', 400, () => users.createUser({ email }));
      assert.equal(error.errors[0].code, 'email_not_available');
      const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
      await users.updateUser({ userId: made.id, passwordHash: hash, passwordHashType: 'bcrypt' });
      await users.deleteUser(made.id);
      await refused(sdk, 'NotFoundException', 404, () => users.getUser(made.id));
    });

    test('roles and memberships: create, list, change, suspend, delete', async () => {
      const users = workos.userManagement;
      const [permission, other, slug] = [unique('files:read'), unique('files:write'), unique('editor')];
      for (const name of [permission, other]) await workos.authorization.createPermission({ slug: name, name });
      const role = await workos.authorization.createEnvironmentRole({ slug, name: 'Editor', description: 'Edits' });
      assert.equal(role.slug, slug);
      assert.equal(role.type, 'EnvironmentRole');
      assert.deepEqual(role.permissions, []);
      const set = await workos.authorization.setEnvironmentRolePermissions(slug, { permissions: [permission] });
      assert.deepEqual(set.permissions, [permission]);
      const added = await workos.authorization.addEnvironmentRolePermission(slug, { permissionSlug: other });
      assert.deepEqual(added.permissions, [permission, other].sort());
      const renamed = await workos.authorization.updateEnvironmentRole(slug, { name: 'Writer' });
      assert.deepEqual([renamed.name, renamed.description], ['Writer', 'Edits']);
      assert.deepEqual(await workos.authorization.getEnvironmentRole(slug), renamed);
      const slugs = (await workos.authorization.listEnvironmentRoles()).data.map((row) => row.slug);
      assert.ok(slugs.includes(slug) && slugs.includes('member'));

      const answer = await users.createUser({ email: `${unique('member')}@example.com` });
      const userId = (answer.user ?? answer).id;
      const organization = await workos.organizations.createOrganization({ name: 'Acme' });
      const made = await users.createOrganizationMembership({ userId, organizationId: organization.id });
      assert.equal(made.object, 'organization_membership');
      assert.equal(made.status, 'active');
      assert.equal(made.organizationName, 'Acme');
      assert.deepEqual(made.role, { slug: 'member' });
      assert.deepEqual(await users.getOrganizationMembership(made.id), made);
      const changed = await users.updateOrganizationMembership(made.id, { roleSlug: slug });
      assert.deepEqual(changed.role, { slug });
      const suspended = await users.deactivateOrganizationMembership(made.id);
      assert.equal(suspended.status, 'inactive');
      assert.deepEqual((await users.listOrganizationMemberships({ userId })).data, []);
      const statuses = ['active', 'inactive'];
      const all = await users.listOrganizationMemberships({ organizationId: organization.id, statuses });
      assert.deepEqual(all.data, [suspended]);
      assert.equal((await users.reactivateOrganizationMembership(made.id)).status, 'active');
      const nobody = () => users.updateOrganizationMembership(made.id, { roleSlug: 'nobody' });
      const error = await refused(sdk, 'UnprocessableEntityException', 422, nobody);
      assert.equal(error.code, 'invalid_role');
      await users.deleteOrganizationMembership(made.id);
      await refused(sdk, 'NotFoundException', 404, () => users.getOrganizationMembership(made.id));
    });

    test('invitations: send, find, resend, accept, revoke', async () => {
      const users = workos.userManagement;
      const organization = await workos.organizations.createOrganization({ name: 'Acme' });
      const email = `${unique('guest')}@example.com`;
      const made = await users.sendInvitation({ email, organizationId: organization.id, expiresInDays: 3, roleSlug: 'member' });
      assert.equal(made.object, 'invitation');
      assert.equal(made.state, 'pending');
      assert.ok(made.acceptInvitationUrl.endsWith(`/invite?invitation_token=${made.token}`));
      assert.deepEqual(await users.getInvitation(made.id), made);
      assert.deepEqual(await users.findInvitationByToken(made.token), made);
      assert.deepEqual((await users.listInvitations({ email, organizationId: organization.id })).data, [made]);
      assert.equal((await users.resendInvitation(made.id)).token, made.token);
      const answer = await users.createUser({ email });
      const userId = (answer.user ?? answer).id;
      const accepted = await users.acceptInvitation(made.id);
      assert.equal(accepted.state, 'accepted');
      assert.equal(accepted.acceptedUserId, userId);
      assert.equal((await users.listOrganizationMemberships({ userId })).data[0].organizationId, organization.id);
      const second = await users.sendInvitation({ email: `${unique('guest')}@example.com` });
      assert.equal((await users.revokeInvitation(second.id)).state, 'revoked');
      // The SDK has a class of its own for a 400 only when it tells reasons one by one.
      const error = await refused(sdk, 'GenericServerException', 400, () => users.acceptInvitation(second.id));
      assert.equal(error.rawData.code, 'invite_not_pending');
    });

    test('Magic Auth: a code is mailed and shown', async () => {
      const users = workos.userManagement;
      const email = `${unique('magic')}@example.com`;
      const made = await users.createMagicAuth({ email });
      assert.equal(made.object, 'magic_auth');
      assert.equal(made.email, email);
      assert.match(made.code, /^\d{6}$/);
      assert.deepEqual(await users.getMagicAuth(made.id), made);
      assert.equal(await mailedCode(email), made.code);
      assert.equal((await users.getUser(made.userId)).emailVerified, false);
      // Endpoints that sign people in speak the words of OAuth.
      const bad = () => users.createMagicAuth({ email, invitationToken: 'nobody' });
      const error = await refused(sdk, 'OauthException', 400, bad);
      assert.equal(error.error, 'invitation_invalid');
    });

    test('an address is proven by its code', async () => {
      const users = workos.userManagement;
      const email = `${unique('verify')}@example.com`;
      const answer = await users.createUser({ email });
      const userId = (answer.user ?? answer).id;
      assert.equal((await users.sendVerificationEmail({ userId })).user.id, userId);
      const wrong = () => users.verifyEmail({ userId, code: 'wrong' });
      const error = await refused(sdk, 'GenericServerException', 400, wrong);
      assert.equal(error.rawData.code, 'email_verification_code_incorrect');
      const { user } = await users.verifyEmail({ userId, code: await mailedCode(email) });
      assert.equal(user.emailVerified, true);
    });

    test('a password is reset by its token', async () => {
      const users = workos.userManagement;
      const email = `${unique('reset')}@example.com`;
      const answer = await users.createUser({ email });
      const made = await users.createPasswordReset({ email });
      assert.equal(made.object, 'password_reset');
      assert.equal(made.userId, (answer.user ?? answer).id);
      assert.ok(made.passwordResetUrl.endsWith(`/reset-password?token=${made.passwordResetToken}`));
      assert.deepEqual(await users.getPasswordReset(made.id), made);
      const reset = (newPassword) => users.resetPassword({ token: made.passwordResetToken, newPassword });
      const weak = await refused(sdk, 'BadRequestException', 400, () => reset('password123'));
      assert.equal(weak.code, 'password_reset_error');
      assert.equal((await reset('mallet sparrow tungsten')).user.emailVerified, true);
    });

    test('API keys of an organization: create, list, validate, expire, delete', async () => {
      const permission = unique('invoices:write');
      await workos.authorization.createPermission({ slug: permission, name: 'Write invoices' });
      const organization = await workos.organizations.createOrganization({ name: 'Key holder' });
      const make = (name, options) =>
        keys(workos).createOrganizationApiKey(
          { organizationId: organization.id, name, permissions: [permission] },
          options,
        );
      const made = await make('First');
      assert.equal(made.object, 'api_key');
      assert.deepEqual(made.owner, { type: 'organization', id: organization.id });
      assert.match(made.value, /^sk_/);
      assert.equal(made.obfuscatedValue, `sk_...${made.value.slice(-4)}`);
      assert.deepEqual(made.permissions, [permission]);
      assert.equal(made.lastUsedAt, null);

      const idempotencyKey = unique('key');
      const second = await make('Second', { idempotencyKey });
      assert.deepEqual(await make('Second', { idempotencyKey }), second, 'the retry shows the same value');
      const list = await keys(workos).listOrganizationApiKeys({ organizationId: organization.id });
      assert.deepEqual(list.data.map(({ id }) => id).sort(), [made.id, second.id].sort());
      assert.equal(list.data[0].value, undefined, 'the value is shown once');

      const valid = await validate(workos, made.value);
      assert.equal(valid.apiKey.id, made.id);
      assert.deepEqual(valid.apiKey.permissions, [permission]);
      assert.equal((await validate(workos, 'sk_nobody')).apiKey, null);
      assert.equal((await validate(workos, '')).apiKey, null);

      // This SDK has no method for it, so its own way to reach any path.
      const expire = () => workos.post(`/api_keys/${made.id}/expire`, {});
      const expired = (await expire()).data;
      assert.ok(Date.parse(expired.expires_at) <= Date.now() + 1000);
      assert.equal((await validate(workos, made.value)).apiKey, null);
      await refused(sdk, 'ConflictException', 409, expire);

      assert.equal((await validate(workos, second.value)).apiKey.id, second.id);
      await workos.apiKeys.deleteApiKey(second.id);
      assert.equal((await validate(workos, second.value)).apiKey, null);
      await refused(sdk, 'NotFoundException', 404, () => workos.apiKeys.deleteApiKey(second.id));
      const nobody = { organizationId: 'org_01EHZNVPK3SFK441A1RGBFSHRT', name: 'Nobody' };
      await refused(sdk, 'NotFoundException', 404, () => keys(workos).createOrganizationApiKey(nobody));
    });

    test('a link to the page of an organization', async () => {
      const { id: organization } = await workos.organizations.createOrganization({ name: unique('Portal') });
      const returnUrl = 'https://app.example.com/settings';
      const { link } = await portal(workos).generateLink({ organization, intent: 'domain_verification', returnUrl });
      assert.ok(link.startsWith(`${baseUrl}/portal/open?token=`), link);
      // A program that looks at the link does not use it up.
      for (const status of [200, 200]) assert.equal((await fetch(link)).status, status);
      assert.equal((await fetch(link.slice(0, -1))).status, 400);
      const refusal = () => portal(workos).generateLink({ organization, intent: 'sso' });
      await refused(sdk, 'UnprocessableEntityException', 422, refusal);
      const nobody = () => portal(workos).generateLink({ organization: 'org_01EHZNVPK3SFK441A1RGBFSHRT', intent: 'domain_verification' });
      await refused(sdk, 'NotFoundException', 404, nobody);
    });

    test('errors are exceptions of the right class', async () => {
      const wrong = client(sdk, { key: 'sk_wrong' });
      await refused(sdk, 'UnauthorizedException', 401, () => wrong.organizations.listOrganizations());
      const missing = () => workos.organizations.getOrganization('org_01EHZNVPK3SFK441A1RGBFSHRT');
      const unknown = await refused(sdk, 'NotFoundException', 404, missing);
      assert.match(unknown.message, /org_01EHZNVPK3SFK441A1RGBFSHRT/);
      assert.equal(unknown.code, 'entity_not_found');
      await refused(sdk, 'NotFoundException', 404, () => workos.get('/no/such/path'));
      const nameless = () => workos.organizations.createOrganization({ name: '' });
      assert.match((await refused(sdk, 'UnprocessableEntityException', 422, nameless)).message, /required/);
      const limit = () => workos.organizations.listOrganizations({ limit: 101 });
      await refused(sdk, 'UnprocessableEntityException', 422, limit);
      const externalId = unique('ext');
      await workos.organizations.createOrganization({ name: 'Owner', externalId });
      const taken = () => workos.organizations.createOrganization({ name: 'Another', externalId });
      const generic = await refused(sdk, 'GenericServerException', 400, taken);
      assert.equal(generic.rawData.code, 'external_id_already_used');
      const domainData = [{ domain: `${unique('taken')}.example.com`, state: 'verified' }];
      await workos.organizations.createOrganization({ name: 'Owner', domainData });
      const claimed = () => workos.organizations.createOrganization({ name: 'Another', domainData });
      await refused(sdk, 'ConflictException', 409, claimed);
    });

    test('the same idempotency key makes one organization', async () => {
      const [name, idempotencyKey] = [unique('Once'), unique('key')];
      const first = await workos.organizations.createOrganization({ name }, { idempotencyKey });
      const again = await workos.organizations.createOrganization({ name }, { idempotencyKey });
      assert.deepEqual(again, first);
      assert.equal((await workos.organizations.listOrganizations({ search: name })).data.length, 1);
    });
  });
}

describe('@workos-inc/node 11: Connect', () => {
  const workos = client(newest);
  const scopes = [unique('posts:read'), unique('posts:write')];
  let organization;

  before(async () => {
    for (const slug of scopes) await workos.authorization.createPermission({ slug, name: slug });
    organization = await workos.organizations.createOrganization({ name: 'Partner' });
  });

  test('machine applications', async () => {
    const made = await workos.connect.createApplication({
      applicationType: 'm2m',
      name: 'Nightly export',
      description: 'Runs at night',
      scopes,
      organizationId: organization.id,
    });
    assert.equal(made.object, 'connect_application');
    assert.equal(made.applicationType, 'm2m');
    assert.match(made.clientId, /^client_/);
    assert.equal(made.description, 'Runs at night');
    assert.deepEqual(made.scopes, scopes);
    assert.equal(made.organizationId, organization.id);
    assert.ok(Math.abs(made.createdAt - Date.now()) < 60_000);
    const bare = await workos.connect.createM2MApplication('Bare', organization.id);
    assert.deepEqual([bare.description, bare.scopes], [null, []]);
    const short = await workos.connect.createM2MApplication('Short', organization.id, 'Why', [scopes[0]]);
    assert.deepEqual([short.description, short.scopes], ['Why', [scopes[0]]]);

    assert.deepEqual(await workos.connect.getApplication({ id: made.id }), made);
    assert.deepEqual(await workos.connect.getApplication({ id: made.clientId }), made);
    const list = await workos.connect.listApplications({ organizationId: organization.id, limit: 100 });
    for (const application of [made, bare, short]) {
      assert.deepEqual(list.data.find(({ id }) => id === application.id), application);
    }
    const [first, second] = list.data;
    const page = await workos.connect.listApplications({ organizationId: organization.id, limit: 1, after: first.id });
    assert.deepEqual(page.data, [second]);

    // This SDK sends null for everything that its caller left out.
    const renamed = await workos.connect.updateApplication({ id: made.id, name: 'Export' });
    assert.equal(renamed.name, 'Export');
    assert.deepEqual(renamed.scopes, scopes, 'a rename keeps the scopes');
    const described = await workos.connect.updateApplication({ id: made.clientId, description: 'By day', scopes: [] });
    assert.deepEqual([described.name, described.description, described.scopes], ['Export', 'By day', []]);

    for (const { id } of [made, bare, short]) await workos.connect.deleteApplication({ id });
    await refused(newest, 'NotFoundException', 404, () => workos.connect.getApplication({ id: made.id }));
    await refused(newest, 'NotFoundException', 404, () => workos.connect.deleteApplication({ id: made.clientId }));
  });

  test('OAuth applications', async () => {
    const made = await workos.connect.createApplication({
      applicationType: 'oauth',
      name: 'Partner portal',
      description: 'For partners',
      scopes: ['openid', scopes[0]],
      redirectUris: [{ uri: 'https://partner.example/cb', default: true }, { uri: 'https://partner.example/other' }],
      usesPkce: true,
      isFirstParty: false,
      organizationId: organization.id,
    });
    assert.equal(made.applicationType, 'oauth');
    assert.equal(made.usesPkce, true);
    assert.equal(made.isFirstParty, false);
    assert.equal(made.wasDynamicallyRegistered, false);
    assert.equal(made.organizationId, organization.id);
    assert.deepEqual(made.scopes, ['openid', scopes[0]]);
    assert.deepEqual(made.redirectUris, [
      { uri: 'https://partner.example/cb', default: true },
      { uri: 'https://partner.example/other', default: false },
    ]);
    const own = await workos.connect.createOAuthApplication('Own', true, 'Ours', [scopes[1]], [
      { uri: 'https://own.example/cb', default: true },
    ], false);
    assert.deepEqual([own.isFirstParty, own.usesPkce, own.organizationId], [true, false, undefined]);
    assert.equal(own.wasDynamicallyRegistered, undefined);
    const bare = await workos.connect.createApplication({ applicationType: 'oauth', name: 'Bare', isFirstParty: true });
    assert.deepEqual([bare.redirectUris, bare.scopes, bare.usesPkce], [[], [], false]);

    assert.deepEqual(await workos.connect.getApplication({ id: made.clientId }), made);
    const renamed = await workos.connect.updateApplication({ id: made.id, name: 'Portal' });
    assert.deepEqual([renamed.scopes, renamed.redirectUris], [made.scopes, made.redirectUris], 'a rename keeps both');
    const moved = await workos.connect.updateApplication({
      id: made.id,
      redirectUris: [{ uri: 'https://portal.example/cb' }],
    });
    assert.equal(moved.name, 'Portal');
    assert.deepEqual(moved.redirectUris, [{ uri: 'https://portal.example/cb', default: true }]);
    for (const { id } of [made, own, bare]) await workos.connect.deleteApplication({ id });
  });

  test('client secrets', async () => {
    const { id } = await workos.connect.createM2MApplication('Keeper', organization.id);
    assert.deepEqual(await workos.connect.listApplicationClientSecrets({ id }), []);
    const made = await workos.connect.createApplicationClientSecret({ id });
    assert.equal(made.object, 'connect_application_secret');
    assert.ok(made.secret.endsWith(made.secretHint));
    assert.equal(made.lastUsedAt, null);
    assert.ok(!Number.isNaN(made.createdAt.getTime()));
    const { secret, ...rest } = made;
    assert.deepEqual(await workos.connect.listApplicationClientSecrets({ id }), [rest], 'the value is shown once');
    const others = [];
    for (let count = 2; count <= 5; count += 1) others.push(await workos.connect.createApplicationClientSecret({ id }));
    const sixth = () => workos.connect.createApplicationClientSecret({ id });
    await refused(newest, 'UnprocessableEntityException', 422, sixth);
    await workos.connect.deleteClientSecret({ id: made.id });
    const left = await workos.connect.listApplicationClientSecrets({ id });
    assert.deepEqual(left.map((item) => item.id).sort(), others.map((item) => item.id).sort());
    await refused(newest, 'NotFoundException', 404, () => workos.connect.deleteClientSecret({ id: made.id }));
  });

  test('what cannot be is refused', async () => {
    const nowhere = () => workos.connect.createM2MApplication('Lost', 'org_01EHZNVPK3SFK441A1RGBFSHRT');
    await refused(newest, 'NotFoundException', 404, nowhere);
    const nameless = () => workos.connect.createM2MApplication('', organization.id);
    await refused(newest, 'UnprocessableEntityException', 422, nameless);
    const unknownScope = () => workos.connect.createM2MApplication('Greedy', organization.id, null, [unique('no')]);
    await refused(newest, 'UnprocessableEntityException', 422, unknownScope);
    const ownerless = () => workos.connect.createOAuthApplication('Ownerless', false);
    await refused(newest, 'UnprocessableEntityException', 422, ownerless);
  });

  test('a lost answer and the retry of the SDK make one application and one secret', async () => {
    const lost = losesTheFirstAnswer();
    const made = await client(newest, lost).connect.createM2MApplication(unique('Once'), organization.id);
    assert.equal(lost.seen.length, 2, 'it did retry');
    assert.match(lost.seen[0], /^retry-/);
    assert.equal(lost.seen[0], lost.seen[1]);
    const all = await (await workos.connect.listApplications({ organizationId: organization.id })).autoPagination();
    assert.equal(all.filter(({ name }) => name === made.name).length, 1);

    const secret = await client(newest, losesTheFirstAnswer()).connect.createApplicationClientSecret({ id: made.id });
    const secrets = await workos.connect.listApplicationClientSecrets({ id: made.id });
    assert.deepEqual(secrets.map(({ id }) => id), [secret.id]);
    assert.ok(secret.secret, 'the retry gives the value that the lost answer held');
  });

  test('the token verifier of the SDK takes an access token, and no altered one', async () => {
    const owner = await machine();
    const credential = await token(owner);
    const seen = await workos.agents.validateCredential({ type: 'access_token', credential });
    assert.equal(seen.valid, true);
    const { claims } = seen;
    assert.deepEqual([claims.issuer, claims.audience, claims.registrationId], [baseUrl, clientId, owner.clientId]);
    assert.deepEqual([claims.organizationId, claims.scope], [owner.organization.id, owner.scope]);
    const [header, , signature] = credential.split('.');
    const altered = [header, (await token(owner)).split('.')[1], signature].join('.');
    assert.equal((await workos.agents.validateCredential({ type: 'access_token', credential: altered })).valid, false);
  });
});

describe('audit logs', () => {
  test('schemas, events, exports and retention', async () => {
    const workos = client(newest);
    const organization = await workos.organizations.createOrganization({ name: unique('Audited') });
    const action = unique('team.renamed');
    const schema = await workos.auditLogs.createSchema({
      action,
      targets: [{ type: 'team', metadata: { size: 'number' } }, { type: 'user' }],
      actor: { metadata: { role: 'string' } },
      metadata: { reason: 'string' },
    });
    assert.deepEqual(
      [schema.version, schema.targets, schema.actor, schema.metadata],
      [1, [{ type: 'team', metadata: { size: 'number' } }, { type: 'user', metadata: undefined }], { metadata: { role: 'string' } }, { reason: 'string' }],
    );
    assert.deepEqual((await (await workos.auditLogs.listSchemas(action)).autoPagination()).map(({ version }) => version), [1]);
    const event = {
      action,
      occurredAt: new Date(),
      actor: { id: 'user_1', type: 'user', name: 'Ada', metadata: { role: 'admin' } },
      targets: [{ id: 'team_1', type: 'team', metadata: { size: 3 } }],
      context: { location: '192.0.2.1', userAgent: 'curl/8' },
      metadata: { reason: 'a new name' },
    };
    await workos.auditLogs.createEvent(organization.id, event, { idempotencyKey: action });
    await workos.auditLogs.createEvent(organization.id, event, { idempotencyKey: action });
    // Without a key the SDK makes one for each call.
    await workos.auditLogs.createEvent(organization.id, event);
    const wrong = { ...event, targets: [{ id: 'x', type: 'invoice' }] };
    const error = await refused(newest, 'BadRequestException', 400, () => workos.auditLogs.createEvent(organization.id, wrong));
    assert.equal(error.code, 'invalid_audit_log_event');
    assert.deepEqual(error.errors, [{ instancePath: '/targets' }]);

    const day = 24 * 3600 * 1000;
    let made = await workos.auditLogs.createExport({
      organizationId: organization.id,
      rangeStart: new Date(Date.now() - day),
      rangeEnd: new Date(Date.now() + day),
      actions: [action],
      actorIds: ['user_1'],
    });
    while (made.state === 'pending') {
      await new Promise((resolve) => setTimeout(resolve, 100));
      made = await workos.auditLogs.getExport(made.id);
    }
    assert.equal(made.state, 'ready');
    const lines = (await (await fetch(made.url)).text()).trimEnd().split('\r\n');
    assert.equal(lines.length, 3);
    assert.match(lines[1], new RegExp(`^[0-9A-Z]{26},${action},`));

    assert.deepEqual(await workos.auditLogs.getOrganizationAuditLogsRetention({ id: organization.id }), { retentionPeriodInDays: null });
    const kept = await workos.auditLogs.updateOrganizationAuditLogsRetention({ id: organization.id, retentionPeriod: '1_MONTH' });
    assert.deepEqual(kept, { retentionPeriodInDays: 30 });
    const long = await workos.auditLogs.updateOrganizationAuditLogsRetention({ id: organization.id, retentionPeriod: '10_YEARS' });
    assert.deepEqual(long, { retentionPeriodInDays: 3650 });
  });
});
