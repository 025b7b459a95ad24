sessions-title = Devices
sessions-lead = Where you are logged in. Log out what you don’t know or no longer use.
sessions-list = Devices you are logged in on
sessions-more = Only the latest 100 are shown.
sessions-revoke = Log out all other devices
sessions-revoke-title = Log out all other devices?
sessions-revoke-detail = Every device but this one has to log in again. What they have open closes at once.
sessions-gone = { "{" }device{ "}" } was logged out.
sessions-came = { "{" }device{ "}" } has just logged in.
sessions-notify-title = New devices
sessions-notify = Tell me by e-mail when a new device logs in
sessions-notify-detail = You always see it here in Parlor as well.
sessions-saved = Saved.
session-revoke = Log out
session-revoke-label = Log out { $value }
session-revoke-title = Log out this device?
session-revoke-detail = { $value } has to log in again. What it has open closes at once.
session-ended = You are logged out on this device. Log in again to go on where you were.
device-logged-out = That device is logged out.
devices-logged-out = All other devices are logged out.
device-this = This device
device-since = Logged in
device-name = { $browser } on { $os }
device-unknown = Unknown device
device-kind-desktop = Computer
device-kind-mobile = Phone
device-kind-tablet = Tablet
device-kind-bot = Bot
device-kind-api = Program
device-kind-unknown = Unknown kind
address-unknown = an unknown address
active-now = active now
active-minutes = { $n ->
    [one] { $n } minute ago
   *[other] { $n } minutes ago
 }
active-hours = { $n ->
    [one] { $n } hour ago
   *[other] { $n } hours ago
 }
active-days = { $n ->
    [one] { $n } day ago
   *[other] { $n } days ago
 }
login-remember = Keep me logged in on this device
notice-new-device = New login to your account: { $device }, from { $ip }. If that was not you, log that device out and change your password.
notice-see-devices = See your devices
notice-put-away = Put away
