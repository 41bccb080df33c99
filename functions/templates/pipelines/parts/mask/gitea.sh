echo "::add-mask::$token"
