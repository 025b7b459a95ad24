nav-settings = Einstellungen
settings-profile = Profil
settings-security = Sicherheit
settings-factors = Zweiter Faktor
settings-connections = Verknüpfungen
settings-sessions = Geräte
settings-api-keys = API-Schlüssel
