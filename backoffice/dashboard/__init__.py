"""What sells and what fails, drawn from the rolled-up sums."""
