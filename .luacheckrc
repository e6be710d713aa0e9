-- No globals: modules return what they offer. Specs have busted's names.
std = "luajit"
cache = false
max_line_length = 100
codes = true
exclude_files = { "build", "build-*" }
files["spec"] = { std = "luajit+busted" }
files["packs/**/*_spec.lua"] = { std = "luajit+busted" }
files[".busted"] = { ignore = { "" } }
