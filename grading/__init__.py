"""Staff only: builds the release, grades submissions and reports. Never released."""
