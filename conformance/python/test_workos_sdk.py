"""The WorkOS SDK for Python, unmodified and told nothing but where the server is; then what a Python API does with an
access token (PyJWT), and a general OAuth client (Authlib).

Run with the server's address and credentials in COUNTERSIGN_BASE_URL, COUNTERSIGN_API_KEY and COUNTERSIGN_CLIENT_ID.
"""

import base64
import csv
import io
import json
import os
import re
import time
import unittest
import uuid
from datetime import datetime, timedelta, timezone

import httpx2
import jwt
import workos
from authlib.integrations.requests_client import OAuth2Session
from workos import WorkOSClient
from workos._errors import EmailVerificationRequiredError, OrganizationSelectionRequiredError
from workos.audit_logs import RetentionPeriodInDays
from workos.audit_logs.models import (
    AuditLogEvent,
    AuditLogEventActor,
    AuditLogEventContext,
    AuditLogEventTarget,
    AuditLogSchemaTargetInput,
)
from workos.connect import RedirectUriInput
from workos.events.models import EventSchemaUnknown
from workos.organization_membership import RoleMultiple
from workos.organizations import OrganizationDomainData
from workos.session import seal_session_from_auth_response
from workos.user_management import PasswordHashed, PasswordPlaintext

BASE_URL = os.environ["COUNTERSIGN_BASE_URL"]
API_KEY = os.environ["COUNTERSIGN_API_KEY"]
CLIENT_ID = os.environ["COUNTERSIGN_CLIENT_ID"]
# What docs/events.md lists of what the SDK knows.
EVENTS = [
    f"{subject}.{verb}"
    for subject, verbs in {
        "user": "created updated deleted",
        "organization": "created updated deleted",
        "organization_domain": "created updated verified deleted verification_failed",
        "organization_membership": "created updated deleted",
        "invitation": "created accepted resent revoked",
        "permission": "created updated deleted",
        "role": "created updated deleted",
        "api_key": "created updated revoked",
        "session": "created revoked",
        "magic_auth": "created",
        "email_verification": "created",
        "password_reset": "created succeeded",
        "authentication": "password_succeeded password_failed magic_auth_succeeded magic_auth_failed"
        " email_verification_succeeded email_verification_failed",
    }.items()
    for verb in verbs.split()
]
NOBODY = "org_01EHZNVPK3SFK441A1RGBFSHRT"


def client(api_key=API_KEY, **options):
    made = WorkOSClient(api_key=api_key, client_id=CLIENT_ID, base_url=BASE_URL, **options)
    unittest.addModuleCleanup(made.close)
    return made


def unique(prefix):
    """A name that no other test uses, so that the script can run again on the same server."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def mailed_code(email):
    """The newest code that was mailed to an address: without a mail server, messages stay to be read."""
    page = httpx2.get(f"{BASE_URL}/dev/mailbox", headers={"Accept-Language": "en"}).text
    row = re.search(rf"<strong>(\d{{6}}) is your code[^<]*</strong><span>{re.escape(email)} ", page)
    return row[1]


class LosesTheFirstAnswer(httpx2.HTTPTransport):
    """Passes every request on and loses the first answer, as a broken connection does."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_request(self, request):
        response = super().handle_request(request)
        self.seen.append(request.headers.get("Idempotency-Key"))
        if len(self.seen) == 1:
            response.read()
            raise httpx2.ReadError("connection lost")
        return response


class SdkTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.workos = client()

    def refused(self, error_class, status, action, *arguments, **options):
        """The error must be of this class, and carry what support asks for."""
        with self.assertRaises(error_class) as caught:
            action(*arguments, **options)
        self.assertEqual(caught.exception.status_code, status)
        self.assertTrue(caught.exception.request_id)
        return caught.exception


class Organizations(SdkTest):
    def test_create_get_update_delete(self):
        organizations = self.workos.organizations
        external_id, domain = unique("ext/1 a"), f"{unique('acme')}.example.com"
        made = organizations.create_organization(
            name="Acme",
            allow_profiles_outside_organization=True,
            domain_data=[OrganizationDomainData(domain=domain, state="pending")],
            metadata={"tier": "gold", "region": "eu"},
            external_id=external_id,
        )
        self.assertEqual(made.object, "organization")
        self.assertTrue(made.id.startswith("org_"))
        self.assertEqual(made.external_id, external_id)
        self.assertEqual(made.metadata, {"tier": "gold", "region": "eu"})
        self.assertIs(made.allow_profiles_outside_organization, True)
        self.assertEqual([(row.domain, row.state.value) for row in made.domains], [(domain, "pending")])
        self.assertLess(abs(datetime.now(timezone.utc) - made.created_at), timedelta(minutes=1))

        self.assertEqual(organizations.get_organization(made.id), made)
        self.assertEqual(organizations.get_organization_by_external_id(external_id), made)
        self.assertEqual(organizations.list_organizations(domains=[domain]).data, [made])

        renamed = organizations.update_organization(made.id, name="Acme Ltd")
        self.assertEqual(renamed.name, "Acme Ltd")
        self.assertEqual((renamed.external_id, renamed.metadata), (external_id, made.metadata))
        self.assertEqual(len(renamed.domains), 1)
        changed = organizations.update_organization(
            made.id, external_id=None, stripe_customer_id="cus_1", metadata={"tier": None, "region": "us"}
        )
        self.assertIsNone(changed.external_id)
        self.assertEqual(changed.stripe_customer_id, "cus_1")
        self.assertEqual(changed.metadata, {"region": "us"})

        organizations.delete_organization(made.id)
        self.refused(workos.NotFoundError, 404, organizations.get_organization, made.id)

    def test_events(self):
        organizations, events = self.workos.organizations, self.workos.events
        made = organizations.create_organization(name="Events")
        organizations.update_organization(made.id, name="Events Ltd")
        organizations.delete_organization(made.id)
        names = ["organization.created", "organization.updated", "organization.deleted"]
        seen = list(events.list_events(events=names, organization_id=made.id, limit=2).auto_paging_iter())
        self.assertEqual([str(getattr(event.event, "value", event.event)) for event in seen], names)
        self.assertEqual([event.data.name for event in seen], ["Events", "Events Ltd", "Events Ltd"])
        self.assertEqual({event.data.id for event in seen}, {made.id})
        rest = events.list_events(events=names, organization_id=made.id, after=seen[0].id).data
        self.assertEqual([event.id for event in rest], [event.id for event in seen[1:]])
        since = events.list_events(events=names, organization_id=made.id, range_start="2020-01-01T00:00:00Z").data
        self.assertEqual(len(since), 3)
        never = events.list_events(events=names, organization_id=made.id, range_end=datetime(2020, 1, 1, tzinfo=timezone.utc))
        self.assertEqual(never.data, [])

    def test_every_event_is_one_that_the_sdk_knows(self):
        email, organizations, people = f"{unique('ada')}@example.com", self.workos.organizations, self.workos.user_management
        made = organizations.create_organization(
            name="All", domain_data=[OrganizationDomainData(domain=f"{unique('a')}.com", state="verified")]
        )
        user = people.create_user(email=email, email_verified=True, password=PasswordPlaintext(password="mallet sparrow tungsten"))
        with self.assertRaises(workos.BadRequestError):
            people.authenticate_with_password(email=email, password="wrong")
        people.authenticate_with_password(email=email, password="mallet sparrow tungsten")
        self.workos.organization_membership.create_organization_membership(user_id=user.id, organization_id=made.id)
        people.send_invitation(email=f"{unique('bob')}@example.com", organization_id=made.id)
        people.create_magic_auth(email=email)
        people.reset_password(email=email)
        people.delete_user(user.id)
        organizations.delete_organization(made.id)
        # Whatever the other tests have provoked is there, too.
        seen = list(self.workos.events.list_events(events=EVENTS, limit=100).auto_paging_iter())
        unknown = [event for event in seen if isinstance(event, EventSchemaUnknown)]
        self.assertEqual(unknown, [])
        names = {str(getattr(event.event, "value", event.event)) for event in seen}
        for name in [
            "organization_domain.created", "user.created", "user.deleted", "organization_membership.created",
            "invitation.created", "magic_auth.created", "password_reset.created", "session.created",
            "authentication.password_failed", "authentication.password_succeeded",
        ]:
            self.assertIn(name, names)

    def test_pages_both_ways_and_more_than_a_hundred_rows(self):
        organizations, many = self.workos.organizations, unique("Many")
        made = [organizations.create_organization(name=f"{many} {number}").id for number in range(105)]
        page = organizations.list_organizations(search=many)
        rows = list(page.auto_paging_iter())
        newest_first = [row.id for row in rows]
        self.assertCountEqual(newest_first, made)
        self.assertEqual(rows, sorted(rows, key=lambda row: row.created_at, reverse=True))
        self.assertEqual([row.id for row in page.data], newest_first[:10])
        self.assertIsNone(page.before)
        self.assertEqual(page.after, newest_first[9])
        hundreds = organizations.list_organizations(search=many, limit=100, order="asc")
        self.assertEqual([row.id for row in hundreds.auto_paging_iter()], newest_first[::-1])
        second = organizations.list_organizations(search=many, limit=3, after=newest_first[2])
        self.assertEqual([row.id for row in second.data], newest_first[3:6])
        first = organizations.list_organizations(search=many, limit=3, before=newest_first[3])
        self.assertEqual([row.id for row in first.data], newest_first[:3])
        older = organizations.list_organizations(search=many, limit=3, order="normal", before=newest_first[2])
        self.assertEqual([row.id for row in older.data], newest_first[3:6])


class Permissions(SdkTest):
    def test_create_list_get_update_delete(self):
        authorization, slug = self.workos.authorization, unique("invoices:read")
        made = authorization.create_permission(slug=slug, name="Read invoices", description="All of them")
        self.assertEqual((made.slug, made.description, made.system), (slug, "All of them", False))
        self.assertEqual(authorization.get_permission(slug).id, made.id)
        listed = {row.slug: row.id for row in authorization.list_permissions(limit=100).auto_paging_iter()}
        self.assertEqual(listed[slug], made.id)
        renamed = authorization.update_permission(slug, name="See invoices")
        self.assertEqual((renamed.name, renamed.description), ("See invoices", "All of them"))
        self.assertIsNone(authorization.update_permission(slug, description=None).description)
        again = self.refused(workos.ConflictError, 409, authorization.create_permission, slug=slug, name="Again")
        self.assertTrue(again.code)
        authorization.delete_permission(slug)
        self.refused(workos.NotFoundError, 404, authorization.get_permission, slug)


class People(SdkTest):
    def test_users(self):
        users, email, external_id = self.workos.user_management, f"{unique('Ada')}@example.com", unique("person")
        made = users.create_user(
            email=email,
            first_name="Ada",
            external_id=external_id,
            metadata={"tier": "gold"},
            password=PasswordPlaintext(password="mallet sparrow tungsten"),
        )
        self.assertEqual((made.object, made.email, made.email_verified), ("user", email, False))
        self.assertEqual((made.metadata, made.last_sign_in_at), ({"tier": "gold"}, None))
        found = users.get_user(made.id)
        self.assertEqual(found.first_name, "Ada")
        self.assertEqual(users.get_user_by_external_id(external_id), found)
        self.assertEqual(users.list_users(email=email.upper()).data, [found])
        self.assertEqual(list(users.get_user_identities(made.id)), [])
        changed = users.update_user(made.id, last_name="Lovelace", email_verified=True, metadata={"tier": None})
        self.assertEqual((changed.first_name, changed.last_name, changed.metadata), ("Ada", "Lovelace", {}))
        self.assertIs(changed.email_verified, True)
        hashed = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
        users.update_user(made.id, password=PasswordHashed(password_hash=hashed, password_hash_type="bcrypt"))
        weak = PasswordPlaintext(password="password")
        error = self.refused(workos.BadRequestError, 400, users.create_user, email=email, password=weak)
        self.assertEqual(error.code, "password_strength_error")
        error = self.refused(workos.BadRequestError, 400, users.create_user, email=email)
        self.assertEqual(error.code, "user_creation_error")
        users.delete_user(made.id)
        self.refused(workos.NotFoundError, 404, users.get_user, made.id)

    def test_roles_and_memberships(self):
        authorization, memberships = self.workos.authorization, self.workos.organization_membership
        permission, slug = unique("files:read"), unique("editor")
        authorization.create_permission(slug=permission, name=permission)
        role = authorization.create_environment_role(slug=slug, name="Editor")
        self.assertEqual((role.slug, role.description, role.permissions), (slug, None, []))
        changed = authorization.set_environment_role_permissions(slug, permissions=[permission])
        self.assertEqual(changed.permissions, [permission])
        self.assertEqual(authorization.add_environment_role_permission(slug, body_slug=permission), changed)
        self.assertEqual(authorization.get_environment_role(slug), changed)
        self.assertEqual(authorization.update_environment_role(slug, name="Writer").name, "Writer")
        self.assertIn("member", [row.slug for row in authorization.list_environment_roles().data])

        user = self.workos.user_management.create_user(email=f"{unique('member')}@example.com")
        organization = self.workos.organizations.create_organization(name="Acme")
        made = memberships.create_organization_membership(user_id=user.id, organization_id=organization.id)
        self.assertEqual((made.status.value, made.role.slug, made.user.id), ("active", "member", user.id))
        self.assertEqual(memberships.get_organization_membership(made.id), made)
        changed = memberships.update_organization_membership(made.id, role=RoleMultiple(role_slugs=[slug, "member"]))
        self.assertEqual(changed.role.slug, slug)
        self.assertEqual(memberships.deactivate_organization_membership(made.id).status.value, "inactive")
        self.assertEqual(memberships.list_organization_memberships(user_id=user.id).data, [])
        listed = memberships.list_organization_memberships(user_id=user.id, statuses=["active", "inactive"])
        self.assertEqual([row.id for row in listed.data], [made.id])
        self.assertEqual(memberships.reactivate_organization_membership(made.id).status.value, "active")
        again = memberships.create_organization_membership
        self.refused(workos.ConflictError, 409, again, user_id=user.id, organization_id=organization.id)
        memberships.delete_organization_membership(made.id)
        self.refused(workos.NotFoundError, 404, memberships.get_organization_membership, made.id)

    def test_invitations(self):
        users, email = self.workos.user_management, f"{unique('guest')}@example.com"
        organization = self.workos.organizations.create_organization(name="Acme")
        made = users.send_invitation(email=email, organization_id=organization.id, expires_in_days=3)
        self.assertEqual((made.object, made.state.value, made.role_slug), ("invitation", "pending", None))
        self.assertTrue(made.accept_invitation_url.endswith(f"/invite?invitation_token={made.token}"))
        self.assertEqual(users.get_invitation(made.id), made)
        self.assertEqual(users.find_invitation_by_token(made.token), made)
        self.assertEqual(users.list_invitations(email=email, organization_id=organization.id).data, [made])
        self.assertEqual(users.resend_invitation(made.id).token, made.token)
        user = users.create_user(email=email)
        self.assertEqual(users.accept_invitation(made.id).accepted_user_id, user.id)
        second = users.send_invitation(email=f"{unique('guest')}@example.com")
        self.assertEqual(users.revoke_invitation(second.id).state.value, "revoked")
        error = self.refused(workos.BadRequestError, 400, users.accept_invitation, second.id)
        self.assertEqual(error.code, "invite_not_pending")


    def test_magic_auth(self):
        users, email = self.workos.user_management, f"{unique('magic')}@example.com"
        made = users.create_magic_auth(email=email)
        self.assertEqual((made.object, made.email, len(made.code)), ("magic_auth", email, 6))
        found = users.get_magic_auth(made.id)
        self.assertEqual((found.id, found.user_id, found.code), (made.id, made.user_id, made.code))
        self.assertEqual(mailed_code(email), made.code)
        self.assertFalse(users.get_user(made.user_id).email_verified)
        self.refused(workos.BadRequestError, 400, users.create_magic_auth, email=email, invitation_token="nobody")
        self.refused(workos.NotFoundError, 404, users.get_magic_auth, "magic_auth_01EHZNVPK3SFK441A1RGBFSHRT")

    def test_email_verification_and_change(self):
        users, email = self.workos.user_management, f"{unique('verify')}@example.com"
        user = users.create_user(email=email)
        self.assertEqual(users.send_verification_email(user.id).user.id, user.id)
        error = self.refused(workos.BadRequestError, 400, users.verify_email, user.id, code="wrong")
        self.assertEqual(error.code, "email_verification_code_incorrect")
        self.assertTrue(users.verify_email(user.id, code=mailed_code(email)).user.email_verified)
        error = self.refused(workos.BadRequestError, 400, users.send_verification_email, user.id)
        self.assertEqual(error.code, "email_already_verified")

        new_email = f"{unique('changed')}@example.com"
        change = users.send_email_change(user.id, new_email=new_email)
        self.assertEqual((change.object, change.user.email, change.new_email), ("email_change", email, new_email))
        done = users.confirm_email_change(user.id, code=mailed_code(new_email))
        self.assertEqual((done.user.email, done.user.email_verified), (new_email, True))
        error = self.refused(workos.ConflictError, 409, users.send_email_change, user.id, new_email=new_email)
        self.assertEqual(error.code, "email_change_not_needed")

    def test_password_reset(self):
        users, email = self.workos.user_management, f"{unique('reset')}@example.com"
        user = users.create_user(email=email)
        made = users.reset_password(email=email)
        self.assertEqual((made.object, made.user_id, made.email), ("password_reset", user.id, email))
        self.assertTrue(made.password_reset_url.endswith(f"/reset-password?token={made.password_reset_token}"))
        self.assertEqual(users.get_password_reset(made.id), made)
        confirm = users.confirm_password_reset
        weak = self.refused(
            workos.BadRequestError, 400, confirm, token=made.password_reset_token, new_password="password123"
        )
        self.assertEqual(weak.code, "password_reset_error")
        done = confirm(token=made.password_reset_token, new_password="mallet sparrow tungsten")
        self.assertTrue(done.user.email_verified)
        self.refused(workos.NotFoundError, 404, users.reset_password, email=f"{unique('nobody')}@example.com")

    def test_jwt_template(self):
        users = self.workos.user_management
        content = '{"email": "{{ user.email }}", "tier": {{ organization.metadata.tier || \'none\' }}}'
        kept = users.update_jwt_template(content=content)
        self.assertEqual((kept.object, kept.content), ("jwt_template", content))
        self.assertEqual(users.list_jwt_template().content, content)
        refuse = users.update_jwt_template
        self.refused(workos.UnprocessableEntityError, 422, refuse, content='{"sub": "{{ user.email }}"}')


class SigningIn(SdkTest):
    """What a product does with `user_management`, but for the browser."""

    PASSWORD = "mallet sparrow tungsten"

    def somebody(self, verified=True):
        email = f"{unique('ada')}@example.com"
        password = PasswordPlaintext(password=self.PASSWORD)
        return self.workos.user_management.create_user(email=email, email_verified=verified, password=password)

    def test_password_session_and_refresh(self):
        users, user = self.workos.user_management, self.somebody()
        answer = users.authenticate_with_password(email=user.email, password=self.PASSWORD, ip_address="203.0.113.7")
        self.assertEqual((answer.user.id, answer.organization_id), (user.id, None))
        key = jwt.PyJWKClient(users.get_jwks_url()).get_signing_key_from_jwt(answer.access_token)
        claims = jwt.decode(
            answer.access_token,
            key,
            algorithms=["RS256"],
            issuer=f"{BASE_URL}/user_management/{CLIENT_ID}",
            options={"require": ["iss", "sub", "sid", "jti", "iat", "exp"]},
        )
        self.assertEqual(claims["sub"], user.id)
        self.assertNotIn("aud", claims)
        refreshed = users.authenticate_with_refresh_token(refresh_token=answer.refresh_token)
        self.assertNotEqual(refreshed.refresh_token, answer.refresh_token)
        listed = users.list_sessions(user.id).data
        self.assertEqual([(one.id, one.ip_address) for one in listed], [(claims["sid"], "203.0.113.7")])

        cookie_password = base64.urlsafe_b64encode(b"k" * 32).decode()
        sealed = seal_session_from_auth_response(
            access_token=refreshed.access_token,
            refresh_token=refreshed.refresh_token,
            user=refreshed.user.to_dict(),
            cookie_password=cookie_password,
        )
        session = users.load_sealed_session(session_data=sealed, cookie_password=cookie_password)
        seen = session.authenticate()
        self.assertTrue(seen.authenticated)
        self.assertEqual((seen.session_id, seen.user["id"]), (claims["sid"], user.id))
        self.assertTrue(session.refresh().authenticated)
        self.assertIn(f"session_id={claims['sid']}", session.get_logout_url())
        users.revoke_session(session_id=claims["sid"])
        self.assertFalse(session.refresh().authenticated)
        refresh = users.authenticate_with_refresh_token
        self.refused(workos.BadRequestError, 400, refresh, refresh_token=refreshed.refresh_token)

    def test_steps_that_are_missing(self):
        users, user = self.workos.user_management, self.somebody()
        organizations = [self.workos.organizations.create_organization(name=name) for name in ("Acme", "Globex")]
        for organization in organizations:
            self.workos.organization_membership.create_organization_membership(
                user_id=user.id, organization_id=organization.id
            )
        sign_in = users.authenticate_with_password
        error = self.refused(
            OrganizationSelectionRequiredError, 403, sign_in, email=user.email, password=self.PASSWORD
        )
        self.assertEqual([one["name"] for one in error.organizations], ["Acme", "Globex"])
        chosen = {"pending_authentication_token": error.pending_authentication_token, "organization_id": organizations[1].id}
        answer = users.authenticate_with_organization_selection(**chosen)
        self.assertEqual(answer.organization_id, organizations[1].id)
        self.refused(workos.BadRequestError, 400, users.authenticate_with_organization_selection, **chosen)
        moved = users.authenticate_with_refresh_token(
            refresh_token=answer.refresh_token, organization_id=organizations[0].id
        )
        self.assertEqual(moved.organization_id, organizations[0].id)

        unproven = self.somebody(verified=False)
        error = self.refused(
            EmailVerificationRequiredError, 403, sign_in, email=unproven.email, password=self.PASSWORD
        )
        self.assertEqual(error.email, unproven.email)
        code = users.get_email_verification(error.email_verification_id).code
        answer = users.authenticate_with_email_verification(
            code=code, pending_authentication_token=error.pending_authentication_token
        )
        self.assertIs(answer.user.email_verified, True)
        refused = self.refused(workos.BadRequestError, 400, sign_in, email=user.email, password="wrong")
        self.assertEqual(refused.code, "invalid_credentials")

    def test_mailed_codes_and_devices(self):
        users, email = self.workos.user_management, f"{unique('magic')}@example.com"
        code = users.create_magic_auth(email=email).code
        answer = users.authenticate_with_magic_auth(email=email, code=code)
        self.assertEqual((answer.user.email, answer.user.email_verified), (email, True))
        device = users.create_device(client_id=CLIENT_ID)
        self.assertTrue(device.verification_uri_complete.endswith(device.user_code))
        poll = users.authenticate_with_device_code
        self.refused(workos.BadRequestError, 400, poll, device_code=device.device_code)

    def test_redirect_uris_and_origins(self):
        users, host = self.workos.user_management, f"{unique('app')}.example.com"
        made = users.create_redirect_uri(uri=f"https://{host}/callback")
        self.assertEqual((made.object, made.uri), ("redirect_uri", f"https://{host}/callback"))
        self.assertIn(made.id, [one.id for one in users.list_redirect_uris(limit=100).data])
        self.refused(workos.UnprocessableEntityError, 422, users.create_redirect_uri, uri=made.uri)
        if not made.default:
            users.delete_redirect_uris(made.id)
        origin = users.create_cors_origin(origin=f"https://{host}")
        self.assertEqual((origin.object, origin.origin), ("cors_origin", f"https://{host}"))
        self.assertIn(origin.id, [one.id for one in users.list_cors_origins(limit=100).data])
        self.refused(workos.ConflictError, 409, users.create_cors_origin, origin=origin.origin)
        asked = users.get_authorization_url(provider="authkit", redirect_uri=made.uri, state="s")
        self.assertTrue(asked.startswith(f"{BASE_URL}/user_management/authorize?"))


class Connect(SdkTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scopes = [unique("posts:read"), unique("posts:write")]
        for slug in cls.scopes:
            cls.workos.authorization.create_permission(slug=slug, name=slug)
        cls.organization = cls.workos.organizations.create_organization(name="Partner")

    def test_machine_applications(self):
        connect = self.workos.connect
        made = connect.create_m2m_application(
            name="Nightly export",
            organization_id=self.organization.id,
            description="Runs at night",
            scopes=self.scopes,
        )
        self.assertEqual((made.object, made.application_type), ("connect_application", "m2m"))
        self.assertEqual((made.description, made.scopes), ("Runs at night", self.scopes))
        self.assertEqual(made.organization_id, self.organization.id)
        self.assertEqual(connect.get_application(made.id), made)
        self.assertEqual(connect.get_application(made.client_id), made)

        listed = connect.list_applications(organization_id=self.organization.id, limit=1)
        self.assertIn(made, list(listed.auto_paging_iter()))
        kinds = ["authenticated", "dynamic"]
        listed = connect.list_applications(organization_id=self.organization.id, registration_types=kinds)
        self.assertIn(made, listed.data)
        refused = connect.list_applications
        self.refused(workos.UnprocessableEntityError, 422, refused, registration_types=["unheard-of"])

        renamed = connect.update_application(made.id, name="Export")
        self.assertEqual((renamed.name, renamed.description, renamed.scopes), ("Export", "Runs at night", self.scopes))
        kept = connect.update_application(made.id, scopes=None)
        self.assertEqual(kept.scopes, self.scopes)
        cleared = connect.update_application(made.client_id, description=None, scopes=[])
        self.assertEqual((cleared.description, cleared.scopes), (None, []))
        connect.delete_application(made.id)
        self.refused(workos.NotFoundError, 404, connect.get_application, made.id)

    def test_oauth_applications(self):
        connect = self.workos.connect
        made = connect.create_oauth_application(
            name="Partner portal",
            is_first_party=False,
            description="For partners",
            scopes=["openid", self.scopes[0]],
            redirect_uris=[
                {"uri": "https://partner.example/cb", "default": True},
                {"uri": "https://partner.example/other"},
            ],
            uses_pkce=True,
            organization_id=self.organization.id,
        )
        self.assertEqual(made.application_type, "oauth")
        self.assertEqual((made.uses_pkce, made.is_first_party, made.was_dynamically_registered), (True, False, False))
        self.assertEqual(made.organization_id, self.organization.id)
        uris = [(row.uri, row.default) for row in made.redirect_uris]
        self.assertEqual(uris, [("https://partner.example/cb", True), ("https://partner.example/other", False)])
        self.assertEqual(made.cors_origins, [])
        own = connect.create_oauth_application(name="Own", is_first_party=True)
        self.assertEqual((own.redirect_uris, own.scopes, own.uses_pkce), ([], [], False))
        self.assertIsNone(own.organization_id)

        renamed = connect.update_application(made.id, name="Portal")
        self.assertEqual((renamed.scopes, renamed.redirect_uris), (made.scopes, made.redirect_uris))
        moved = connect.update_application(
            made.id,
            redirect_uris=[RedirectUriInput(uri="https://portal.example/cb")],
            cors_origins=["https://portal.example"],
        )
        uris = [(row.uri, row.default) for row in moved.redirect_uris]
        self.assertEqual(uris, [("https://portal.example/cb", True)])
        self.assertEqual(moved.cors_origins, ["https://portal.example"])
        for application in (made, own):
            connect.delete_application(application.client_id)

    def test_client_secrets(self):
        connect = self.workos.connect
        application = connect.create_m2m_application(name="Keeper", organization_id=self.organization.id)
        self.assertEqual(connect.list_application_client_secrets(application.id), [])
        made = connect.create_application_client_secret(application.id)
        self.assertEqual(made.object, "connect_application_secret")
        self.assertTrue(made.secret.endswith(made.secret_hint))
        self.assertIsNone(made.last_used_at)
        listed = connect.list_application_client_secrets(application.client_id)
        self.assertEqual([(row.id, row.secret_hint) for row in listed], [(made.id, made.secret_hint)])
        for _ in range(4):
            connect.create_application_client_secret(application.id)
        sixth = connect.create_application_client_secret
        self.refused(workos.UnprocessableEntityError, 422, sixth, application.id)
        connect.delete_client_secret(made.id)
        self.assertEqual(len(connect.list_application_client_secrets(application.id)), 4)
        self.refused(workos.NotFoundError, 404, connect.delete_client_secret, made.id)


class ApiKeys(SdkTest):
    def test_create_list_validate_expire_delete(self):
        keys, permission = self.workos.api_keys, unique("invoices:write")
        self.workos.authorization.create_permission(slug=permission, name="Write invoices")
        organization = self.workos.organizations.create_organization(name="Key holder").id
        tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
        made = keys.create_organization_api_key(
            organization, name="First", permissions=[permission], expires_at=tomorrow
        )
        self.assertEqual((made.object, made.owner.type, made.owner.id), ("api_key", "organization", organization))
        self.assertEqual(made.obfuscated_value, f"sk_...{made.value[-4:]}")
        self.assertEqual(made.permissions, [permission])
        self.assertLess(abs(made.expires_at - tomorrow), timedelta(seconds=1))
        second = keys.create_organization_api_key(organization, name="Second")
        self.assertIsNone(second.expires_at)
        listed = keys.list_organization_api_keys(organization)
        self.assertCountEqual([row.id for row in listed.auto_paging_iter()], [second.id, made.id])

        valid = keys.create_validation(value=made.value).api_key
        self.assertEqual((valid.id, valid.permissions), (made.id, [permission]))
        self.assertIsNone(keys.create_validation(value="sk_nobody").api_key)
        self.assertIsNone(keys.create_validation(value="").api_key)

        self.assertIsNone(keys.create_api_key_expire(made.id, expires_at=None).expires_at)
        scheduled = keys.create_api_key_expire(made.id, expires_at=tomorrow)
        self.assertLess(abs(scheduled.expires_at - tomorrow), timedelta(seconds=1))
        self.assertIsNotNone(keys.create_validation(value=made.value).api_key)
        keys.create_api_key_expire(made.id)
        self.assertIsNone(keys.create_validation(value=made.value).api_key)
        expired = self.refused(workos.ConflictError, 409, keys.create_api_key_expire, made.id)
        self.assertEqual(expired.code, "api_key_already_expired")

        keys.delete_api_key(second.id)
        self.assertIsNone(keys.create_validation(value=second.value).api_key)
        self.refused(workos.NotFoundError, 404, keys.delete_api_key, second.id)
        self.refused(workos.NotFoundError, 404, keys.create_organization_api_key, NOBODY, name="Nobody")
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        late = keys.create_organization_api_key
        self.refused(workos.UnprocessableEntityError, 422, late, organization, name="Late", expires_at=yesterday)


class Portal(SdkTest):
    def test_a_link_to_the_page_of_an_organization(self):
        generate = self.workos.admin_portal.generate_link
        organization = self.workos.organizations.create_organization(name="Portal").id
        made = generate(organization=organization, intent="api_credentials", return_url="https://app.example.com/")
        self.assertRegex(made.link, f"^{BASE_URL}/portal/open[?]token=[A-Za-z0-9_-]{{43}}$")
        self.assertNotEqual(generate(organization=organization).link, made.link)
        self.refused(workos.UnprocessableEntityError, 422, generate, organization=organization, intent="dsync")
        self.refused(workos.NotFoundError, 404, generate, organization=NOBODY)


class Errors(SdkTest):
    def test_errors_are_of_the_right_class(self):
        organizations = self.workos.organizations
        self.refused(workos.AuthenticationError, 401, client("sk_wrong").organizations.list_organizations)
        missing = self.refused(workos.NotFoundError, 404, organizations.get_organization, NOBODY)
        self.assertEqual(missing.code, "entity_not_found")
        self.assertIn(NOBODY, missing.message)
        nameless = self.refused(workos.UnprocessableEntityError, 422, organizations.create_organization, name="")
        self.assertEqual([(error["field"], error["code"]) for error in nameless.errors], [("name", "required")])
        external_id = unique("ext")
        organizations.create_organization(name="Owner", external_id=external_id)
        taken = organizations.create_organization
        error = self.refused(workos.BadRequestError, 400, taken, name="Another", external_id=external_id)
        self.assertEqual(error.code, "external_id_already_used")
        lost = self.workos.connect.create_m2m_application
        self.refused(workos.NotFoundError, 404, lost, name="Lost", organization_id=NOBODY)
        ownerless = self.workos.connect.create_oauth_application
        self.refused(workos.UnprocessableEntityError, 422, ownerless, name="Ownerless", is_first_party=False)


class Retries(SdkTest):
    def test_the_same_idempotency_key_makes_one_organization(self):
        name, options = unique("Once"), {"idempotency_key": unique("key")}
        first = self.workos.organizations.create_organization(name=name, request_options=options)
        again = self.workos.organizations.create_organization(name=name, request_options=options)
        self.assertEqual(again, first)
        self.assertEqual(self.workos.organizations.list_organizations(search=name).data, [first])

    def test_a_lost_answer_and_the_retry_of_the_sdk_make_one_secret(self):
        organization = self.workos.organizations.create_organization(name="Retrier").id
        application = self.workos.connect.create_m2m_application(name="Retrier", organization_id=organization)
        transport = LosesTheFirstAnswer()
        with httpx2.Client(transport=transport) as http_client:
            made = client(http_client=http_client).connect.create_application_client_secret(application.id)
        self.assertEqual(len(transport.seen), 2)
        self.assertEqual(transport.seen[0], transport.seen[1])
        listed = self.workos.connect.list_application_client_secrets(application.id)
        self.assertEqual([row.id for row in listed], [made.id])
        self.assertTrue(made.secret)


class Tokens(SdkTest):
    """A machine gets a token; an API verifies it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scope = unique("reports:read")
        cls.workos.authorization.create_permission(slug=cls.scope, name=cls.scope)
        cls.organization = cls.workos.organizations.create_organization(name="Machine owner")
        cls.application = cls.workos.connect.create_m2m_application(
            name="Machine", organization_id=cls.organization.id, scopes=[cls.scope]
        )
        cls.secret = cls.workos.connect.create_application_client_secret(cls.application.id)

    def session(self, method="client_secret_basic"):
        session = OAuth2Session(self.application.client_id, self.secret.secret, token_endpoint_auth_method=method)
        self.addCleanup(session.close)
        return session

    def token(self, method="client_secret_basic"):
        return self.session(method).fetch_token(f"{BASE_URL}/oauth2/token", grant_type="client_credentials")

    def verify(self, token, path="/oauth2/jwks", **expected):
        key = jwt.PyJWKClient(f"{BASE_URL}{path}").get_signing_key_from_jwt(token)
        expected = {"issuer": BASE_URL, "audience": CLIENT_ID} | expected
        options = {"require": ["exp", "iat", "sub", "jti"]}
        return jwt.decode(token, key, algorithms=["RS256"], options=options, **expected)

    def test_pyjwt_verifies(self):
        token = self.token()["access_token"]
        for path in ("/oauth2/jwks", f"/sso/jwks/{CLIENT_ID}"):
            claims = self.verify(token, path)
            self.assertEqual(claims["org_id"], self.organization.id)
            self.assertEqual(claims["sub"], self.application.client_id)
            self.assertEqual(claims["scope"], self.scope)

    def test_pyjwt_rejects(self):
        token = self.token()["access_token"]
        with self.assertRaises(jwt.InvalidAudienceError):
            self.verify(token, audience="client_another")
        with self.assertRaises(jwt.InvalidIssuerError):
            self.verify(token, issuer=f"{BASE_URL}/")
        header, payload, signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        claims["org_id"] = "org_another"
        altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        with self.assertRaises(jwt.InvalidSignatureError):
            self.verify(f"{header}.{altered}.{signature}")

    def test_authlib_introspects_and_revokes(self):
        for method in ("client_secret_basic", "client_secret_post"):
            with self.subTest(method):
                session, token = self.session(method), self.token(method)
                self.assertEqual(token["token_type"], "Bearer")
                value, introspection = token["access_token"], f"{BASE_URL}/oauth2/introspection"
                seen = session.introspect_token(introspection, token=value).json()
                self.assertIs(seen["active"], True)
                self.assertEqual(seen["org_id"], self.organization.id)
                self.assertEqual(session.revoke_token(f"{BASE_URL}/oauth2/revoke", token=value).status_code, 200)
                self.assertEqual(session.introspect_token(introspection, token=value).json(), {"active": False})

    def test_a_deleted_secret_ends_its_tokens_at_once(self):
        connect = self.workos.connect
        spare = connect.create_application_client_secret(self.application.id)
        with OAuth2Session(self.application.client_id, spare.secret) as session:
            token = session.fetch_token(f"{BASE_URL}/oauth2/token", grant_type="client_credentials")
        introspect = self.session().introspect_token
        ask = lambda: introspect(f"{BASE_URL}/oauth2/introspection", token=token["access_token"]).json()  # noqa: E731
        self.assertIs(ask()["active"], True)
        connect.delete_client_secret(spare.id)
        self.assertEqual(ask(), {"active": False})


class AuditLogs(unittest.TestCase):
    def test_schemas_events_exports_and_retention(self):
        sdk = client()
        organization = sdk.organizations.create_organization(name=unique("Audited"))
        action = unique("team.renamed")
        text = {"type": "object", "properties": {"reason": {"type": "string"}}}
        schema = sdk.audit_logs.create_schema(
            action, targets=[AuditLogSchemaTargetInput(type="team")], metadata=text
        )
        self.assertEqual((schema.version, schema.metadata), (1, text))
        self.assertIn(action, [known.name for known in sdk.audit_logs.list_actions().data])
        self.assertEqual([known.version for known in sdk.audit_logs.list_action_schemas(action).data], [1])
        event = AuditLogEvent(
            action=action,
            occurred_at=datetime.now(timezone.utc),
            actor=AuditLogEventActor(id="user_1", type="user", name="Ada"),
            targets=[AuditLogEventTarget(id="team_1", type="team")],
            context=AuditLogEventContext(location="192.0.2.1"),
            metadata={"reason": "a new name"},
        )
        for _ in range(2):
            told = sdk.audit_logs.create_event(organization_id=organization.id, event=event, idempotency_key=action)
            self.assertTrue(told.success)
        wrong = AuditLogEvent(
            action=action,
            occurred_at=datetime.now(timezone.utc),
            actor=AuditLogEventActor(id="user_1", type="user"),
            targets=[AuditLogEventTarget(id="x", type="invoice")],
            context=AuditLogEventContext(location="192.0.2.1"),
        )
        with self.assertRaises(workos.BadRequestError):
            sdk.audit_logs.create_event(organization_id=organization.id, event=wrong)
        now = datetime.now(timezone.utc)
        made = sdk.audit_logs.create_export(
            organization_id=organization.id, range_start=now - timedelta(days=1), range_end=now + timedelta(days=1)
        )
        while made.state == "pending":
            time.sleep(0.1)
            made = sdk.audit_logs.get_export(made.id)
        self.assertEqual(made.state, "ready")
        rows = list(csv.DictReader(io.StringIO(httpx2.get(made.url).text)))
        self.assertEqual([(row["action"], row["actor_name"]) for row in rows], [(action, "Ada")])
        kept = sdk.audit_logs.update_organization_audit_logs_retention(
            organization.id, retention=RetentionPeriodInDays(retention_period_in_days=30)
        )
        self.assertEqual(kept.retention_period_in_days, 30)


if __name__ == "__main__":
    unittest.main()
