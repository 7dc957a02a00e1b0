"""SSH as OpenSSH speaks it, without OpenSSH: configuration, host keys, login, and git-upload-pack over all that."""
