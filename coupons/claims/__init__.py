"""What a claim is: pure values and their arithmetic. No I/O."""
