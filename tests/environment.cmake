# What every test runs in: compiled code is not taken from earlier processes, but where a test asks for it.
set(ENV{SGDC_CACHE} off)
# And sgdc verifies what each pass leaves.
set(ENV{SGDC_VERIFY} 1)
