"""What a launch is: its specification, its origins, which paths it mirrors, and the view of all launches."""
