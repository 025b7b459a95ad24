mail-hello = Hello,
mail-hello-name = Hello { $name },
mail-fallback = If the button does not work, copy this address into your browser:
mail-why-asked = You get this mail because somebody entered your address at { $server }. If it was not you, you can ignore it.
mail-why-account = You get this mail because your address belongs to an account at { $server }.

mail-verify-email-subject = Confirm your e-mail address
mail-verify-email-preheader = One step, and your account is ready.
mail-verify-email-1 = Welcome to Parlor. Please confirm that this address is yours, and your account is ready.
mail-verify-email-2 =
    { $hours ->
        [one] The link works for one hour.
       *[other] The link works for { $hours } hours.
    } If you did not ask for an account, do nothing: without this step it cannot be used.
mail-verify-email-button = Confirm this address

mail-welcome-subject = Your account is ready
mail-welcome-preheader = Your address is confirmed. Come in.
mail-welcome-1 = Your address is confirmed. Come in and say something: Parlor remembers what matters to you, and you decide what stays.
mail-welcome-2 = A second factor makes your account much harder to steal. You can turn it on in the settings, under Security.
mail-welcome-button = Open Parlor

mail-already-registered-subject = You already have an account
mail-already-registered-preheader = Somebody tried to register with your address.
mail-already-registered-1 = Somebody tried to make an account with this address, but it already has one. Nothing was changed.
mail-already-registered-2 = If it was you, simply log in.
mail-already-registered-button = Log in
mail-already-registered-aside = Choose a new password if you forgot yours

mail-reset-password-subject = Choose a new password
mail-reset-password-preheader = The link works once and only for a short time.
mail-reset-password-1 = Somebody asked for a new password for your account. If it was you, choose one here:
mail-reset-password-2 =
    { $minutes ->
        [one] The link works once, for one minute.
       *[other] The link works once, for { $minutes } minutes.
    } If it was not you, do nothing: your password stays as it is.
mail-reset-password-button = Choose a new password

mail-password-changed-subject = Your password was changed
mail-password-changed-preheader = If it was you, there is nothing to do.
mail-password-changed-1 = The password of your account was just changed. If it was you, there is nothing to do.
mail-password-changed-2 = If it was not you, somebody else is in your account. Choose a new password now, which also logs out everybody else.
mail-password-changed-button = It was not me

mail-confirm-email-change-subject = Confirm your new e-mail address
mail-confirm-email-change-preheader = Until then your old address stays in use.
mail-confirm-email-change-1 = This address was entered as the new one of a Parlor account. Please confirm that it is yours. Until then the old one stays in use.
mail-confirm-email-change-2 =
    { $hours ->
        [one] The link works for one hour.
       *[other] The link works for { $hours } hours.
    } If you did not ask for this, do nothing: the account keeps its old address.
mail-confirm-email-change-button = Confirm the new address

mail-email-change-asked-subject = Somebody wants to change your e-mail address
mail-email-change-asked-preheader = Until it is confirmed, nothing changes.
mail-email-change-asked-1 = Somebody who is logged in to your account asked to use { $email } instead of this address. It changes once that address is confirmed.
mail-email-change-asked-2 = If it was not you, log in and change your password now. That ends every other session and stops the change.

mail-email-changed-subject = Your e-mail address was changed
mail-email-changed-preheader = This address no longer belongs to your account.
mail-email-changed-1 = Your account now uses { $email }. Mails no longer come to this address.
mail-email-changed-2 = If it was not you, write to the person who runs this server at once: they can give your account back to you.

mail-new-device-subject = New login to your account
mail-new-device-preheader = If it was you, there is nothing to do.
mail-new-device-1 = Somebody logged in to your account from a device that was not there before.
mail-new-device-2 = If it was you, there is nothing to do. If it was not, log that device out and change your password.
mail-new-device-button = See my devices

mail-sign-in-code-subject = Your code
mail-sign-in-code-preheader = Enter it where you were asked for it.
mail-sign-in-code-1 = Enter this code where you were asked for it.
mail-sign-in-code-2 =
    { $minutes ->
        [one] It works once, for one minute.
       *[other] It works once, for { $minutes } minutes.
    } Give it to nobody: nobody from this server will ever ask you for it.

mail-factor-added-subject = A second factor was added
mail-factor-added-preheader = If it was you, there is nothing to do.
mail-factor-added-1 = Your account now has this second factor: { $factor }.
mail-factor-added-2 = If it was not you, remove it and change your password now.
mail-factor-added-button = See how I log in

mail-factor-removed-subject = A second factor was removed
mail-factor-removed-preheader = If it was you, there is nothing to do.
mail-factor-removed-1 = Your account no longer has this second factor: { $factor }.
mail-factor-removed-2 = If it was not you, change your password now and set the factor up again.
mail-factor-removed-button = See how I log in

mail-factor-totp = authenticator app
mail-factor-passkey = passkey
mail-factor-recovery-codes = recovery codes
mail-factor-recovery-code = one recovery code, used just now

mail-connection-added-subject = A login with { $provider } was added
mail-connection-added-preheader = If it was you, there is nothing to do.
mail-connection-added-1 = Your account can now be opened with { $provider }.
mail-connection-added-2 = If it was not you, remove this connection and change your password now.
mail-connection-added-button = See my connections

mail-connection-removed-subject = The login with { $provider } was removed
mail-connection-removed-preheader = If it was you, there is nothing to do.
mail-connection-removed-1 = Your account can no longer be opened with { $provider }.
mail-connection-removed-2 = If it was not you, change your password now and check how your account can be opened.
mail-connection-removed-button = See my connections

mail-api-key-created-subject = A new API key was made
mail-api-key-created-preheader = Programs can use your account with it.
mail-api-key-created-1 = A new API key was made. With it, a program can use your account.
mail-api-key-created-2 = If it was not you, revoke it and change your password now.
mail-api-key-created-button = See my API keys

mail-session-ended-subject = We logged a device out to be safe
mail-session-ended-preheader = Its login was used twice.
mail-session-ended-1 = The login of one of your devices was used a second time, which happens when somebody copies it. So we ended it at once.
mail-session-ended-2 = Please log in again on that device. If you see devices that are not yours, log them out and change your password.
mail-session-ended-button = See my devices

mail-fact-device = Device
mail-fact-address = Internet address
mail-fact-time = Time
mail-fact-name = Name
mail-fact-key = Key

nav-outbox = Outgoing mail
outbox-title = Outgoing mail
outbox-lead = What this server sends to people, and how it went.
outbox-no-server = There is no mail server, so mails stay here: open one and pass its link on yourself. To send mail, set SMTP_HOST and start Parlor again.
outbox-statuses = Show only
outbox-all = All
outbox-queued = Waiting
outbox-sent = Sent
outbox-dead = Given up
outbox-empty-title = No mail here
outbox-empty-detail = When Parlor writes to somebody, you see it here.
outbox-more = Older mails
outbox-mail = Mail
outbox-back = All mails
outbox-attempts =
    { $n ->
        [0] not tried yet
        [one] tried once
       *[other] tried { $n } times
    }
outbox-next = The next attempt is on { $value } (UTC).
outbox-sent-at = It left on { $value } (UTC).
outbox-retry = Try again
outbox-retried = It is on its way again.
outbox-says = What it says
outbox-redacted = Links and codes that open this person’s account are left out here.
outbox-html = See it as its reader does
outbox-emptied = The mail server has it. What it said is not kept here, because its links open accounts.
outbox-kind-verify_email = Confirm the address
outbox-kind-welcome = Welcome
outbox-kind-already_registered = Already registered
outbox-kind-reset_password = New password
outbox-kind-password_changed = Password changed
outbox-kind-confirm_email_change = Confirm the new address
outbox-kind-email_changed = Address changed
outbox-kind-new_device = New device
outbox-kind-sign_in_code = Code
outbox-kind-second_factor_changed = Second factor changed
outbox-kind-connection_changed = Connection changed
outbox-kind-api_key_created = New API key
outbox-kind-session_ended_for_safety = Logged out for safety
