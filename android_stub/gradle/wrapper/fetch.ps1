# Fetches the Gradle that gradle-wrapper.properties names, if it is not here yet; with -Where prints its folder.
param([switch]$Where)
$ErrorActionPreference = "Stop"
$properties = @{}
Get-Content "$PSScriptRoot\gradle-wrapper.properties" | ForEach-Object {
    $key, $value = $_ -split "=", 2
    if ($value) { $properties[$key] = $value.Replace("\", "").Trim() }
}
$url = $properties["distributionUrl"]
$wanted = $properties["distributionSha256Sum"]
if (-not $url -or -not $wanted) { throw "gradle-wrapper.properties has no distributionUrl or no distributionSha256Sum" }
$file = $url.Split("/")[-1]
$name = $file -replace "-[a-z]+\.zip$", ""
$users = if ($env:GRADLE_USER_HOME) { $env:GRADLE_USER_HOME } else { "$env:USERPROFILE\.gradle" }
$place = "$users\checked\$name-$wanted"
if ($Where) { Write-Output $place; exit 0 }
if (Test-Path "$place\bin\gradle.bat") { exit 0 }
$aside = "$users\checked\$([guid]::NewGuid())"
New-Item -ItemType Directory -Force $aside | Out-Null
try {
    Write-Host "gradlew: fetching $url"
    Invoke-WebRequest -UseBasicParsing $url -OutFile "$aside\$file"
    $found = (Get-FileHash "$aside\$file" -Algorithm SHA256).Hash.ToLower()
    if ($found -ne $wanted) { throw "$url has SHA-256 $found instead of $wanted, so it is not run" }
    Expand-Archive "$aside\$file" $aside
    Move-Item "$aside\$name" $place
} finally {
    Remove-Item -Recurse -Force $aside
}
