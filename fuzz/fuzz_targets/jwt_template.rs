//! A JWT template that an operator saves: the first byte picks the values to render it with, the rest is the text.
#![no_main]

use countersign_protocol::jwt_template::{MAX_RENDERED_LENGTH, RESERVED, Template, Values};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let Ok(template) = Template::parse(text) else { return };
    let user = json!({
        "email": "ada@example.com", "first_name": "\"Ada\"\n{{ user.email }}", "last_name": null, "email_verified": true,
        "metadata": {"tier": "x".repeat(600), "a-b": ""}, "identities": {},
    });
    let organization = json!({"name": "Acme", "metadata": {}, "domains": [{"domain": "acme.example"}]});
    let membership = json!({"role": {"slug": "admin"}, "roles": [{"slug": "admin"}], "custom_attributes": {}});
    let values = Values {
        user: (choice & 1 == 0).then_some(&user),
        organization: (choice & 2 == 0).then_some(&organization),
        membership: (choice & 4 == 0).then_some(&membership),
    };
    let Ok(claims) = template.render(values) else { return };
    assert!(serde_json::to_vec(&claims).unwrap().len() <= MAX_RENDERED_LENGTH);
    assert!(RESERVED.iter().all(|name| !claims.contains_key(*name)));
    assert!(claims.values().all(|value| !value.is_null()));
    // Values that the template does not use change nothing.
    let needs = template.needs();
    let needed = Values {
        user: values.user.filter(|_| needs.user),
        organization: values.organization.filter(|_| needs.organization),
        membership: values.membership.filter(|_| needs.membership),
    };
    assert_eq!(template.render(needed).unwrap(), claims);
});
