"""What operators draw: journeys, their versions, and what makes one publishable."""
