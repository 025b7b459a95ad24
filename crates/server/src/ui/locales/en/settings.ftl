nav-settings = Settings
settings-profile = Profile
settings-security = Security
settings-factors = Two-step login
settings-connections = Connections
settings-sessions = Devices
settings-api-keys = API keys
