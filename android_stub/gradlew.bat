@rem Runs the Gradle that gradle\wrapper\gradle-wrapper.properties names, and fetches it first if it is not here yet.
@rem Nothing is run whose SHA-256 is not the recorded one.
@echo off
setlocal
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0gradle\wrapper\fetch.ps1"
if errorlevel 1 exit /b 1
for /f "usebackq delims=" %%i in (`powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0gradle\wrapper\fetch.ps1" -Where`) do set "HERE=%%i"
call "%HERE%\bin\gradle.bat" -p "%~dp0." %*
