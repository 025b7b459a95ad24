// Pages work without any of this, except that answers then come whole instead of word by word.

import { startAvatars } from "./avatar.js";
import { startChat } from "./chat.js";
import { startComposer } from "./composer.js";
import { startCopying, showCopyButtons } from "./copy.js";
import { startDialogs } from "./dialog.js";
import { startDrawer } from "./drawer.js";
import { startMenus } from "./menu.js";
import { startPasswords } from "./password.js";
import { startSessions } from "./sessions.js";
import { startPasskeys } from "./passkey.js";
import { startRecoveryCodes } from "./recovery_codes.js";
import { startTheme } from "./theme.js";
import { localTimes } from "./time.js";

startAvatars();
startMenus();
startDialogs();
startDrawer();
startPasswords();
startPasskeys();
startRecoveryCodes();
startTheme();
startCopying();
showCopyButtons(document);
localTimes(document);

const composer = startComposer(document.querySelector("[data-composer]"));
startChat(document.querySelector("[data-chat]"), composer);
startSessions(document.querySelector("[data-sessions]") ?? document.querySelector("[data-session-events]"));

// On a phone the tabs of the settings scroll: the one that is open must be in sight.
document.querySelector(".settings__link[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
