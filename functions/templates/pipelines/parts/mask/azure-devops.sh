echo "##vso[task.setsecret]$token"
