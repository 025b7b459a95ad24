//! Words that say nothing about what a text is about. A word of both languages tells nothing about the language.

pub(crate) const ENGLISH: &str = "a an the of to in on at for from by with and or but if is are was were be been being \
    am do does did doing have has had having i you he she it we they me him her us them my your his its our their \
    this that these those as so than then too very can could will would shall should may might must not no nor what \
    which who whom whose when where why how there here about into over under again im ive id ill youre youve hes \
    shes were weve theyre theyve dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt cant couldnt wont \
    wouldnt shouldnt thats whats theres lets just also any some mine yours ours myself";

pub(crate) const GERMAN: &str = "der die das den dem des ein eine einen einem einer eines und oder aber wenn ist sind \
    war waren sein bin bist seid wird werden wurde wurden ich du er sie es wir ihr mich dich ihn uns euch mir dir ihm \
    ihnen mein meine meinen meinem meiner meines dein deine deinen deinem deiner unser unsere unseren unserem unserer \
    euer eure ihre ihren ihrem ihrer seine seinen seinem seiner dies diese dieser dieses diesen diesem jene als so \
    dann zu zum zur sehr kann kannst konnen konnte konnten will willst wollen soll sollte muss musste darf mag nicht \
    kein keine keinen keinem keiner noch schon auch nur was welche welcher welches welchen wer wen wem wessen wann wo \
    warum wieso wie wohin woher hier da dort von vom mit bei beim nach aus auf an am im in ins fur uber unter um vor \
    durch gegen ohne bis seit hat habe haben hast hatte hatten doch mal ja nein denn weil dass man sich";
