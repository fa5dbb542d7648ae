@echo off
rem twotower X ... is the command line, built first where the sources are newer than the build; twotower test ... is all tests.
setlocal EnableExtensions DisableDelayedExpansion
set "root=%~dp0"
set "root=%root:~0,-1%"
if not defined TWOTOWER_HOME set "TWOTOWER_HOME=%root%\.twotower"
set "DOTNET_NOLOGO=1"
if not defined DOTNET_CLI_TELEMETRY_OPTOUT set "DOTNET_CLI_TELEMETRY_OPTOUT=1"
set "logs=%TWOTOWER_HOME%\logs"
set "results=%TWOTOWER_HOME%\test-results"
set "program=%root%\TwoTower.Cli\bin\Release\net10.0\twotower.dll"
set "stamp=%root%\TwoTower.Cli\bin\Release\built-windows"

where dotnet >nul 2>nul || (
  echo twotower: no dotnet on the PATH: install the .NET SDK 10.0 or later, https://dotnet.microsoft.com/download 1>&2
  exit /b 2
)
if /i "%~1"=="test" goto test
if /i "%~1"=="torture" (
  echo twotower: torture stops processes by signals, which Windows has not: run it on Linux, macOS or WSL 1>&2
  exit /b 2
)
if /i "%~1"=="fuzz" goto fuzz

call :stale && (
  echo building twotower ... 1>&2
  call :stamped TwoTower.Cli || exit /b 2
)
dotnet "%program%" %*
exit /b %errorlevel%

:fuzz
set "rest="
for /f "tokens=1,*" %%a in ("%*") do set "rest=%%b"
echo building tests\TwoTower.Fuzz ... 1>&2
call :build tests\TwoTower.Fuzz || exit /b 2
dotnet "%root%\tests\TwoTower.Fuzz\bin\Release\net10.0\twotower-fuzz.dll" %rest%
exit /b %errorlevel%

:test
set "rest="
for /f "tokens=1,*" %%a in ("%*") do set "rest=%%b"
echo building TwoTower.sln ... 1>&2
call :stamped TwoTower.sln || exit /b 2
set "publishers=%TWOTOWER_PUBLISHERS%"
if not defined publishers (
  set "publishers=no"
  pushd "%root%"
  dotnet restore deploy\TwoTower.Deployment.Tests >"%logs%\publishers.log" 2>&1 && set "publishers=yes"
  popd
)
if "%publishers%"=="yes" (
  call :build deploy\TwoTower.Deployment.Tests || exit /b 2
) else (
  echo left out: deploy\, since Aspire's publisher packages can't be restored here, %logs%\publishers.log; TWOTOWER_PUBLISHERS=yes insists 1>&2
)
rem Its standard output is the connection string, password and all: not for a log.
dotnet "%program%" db start >nul || (
  echo twotower: no PostgreSQL for the tests 1>&2
  exit /b 2
)
if exist "%results%" rmdir /s /q "%results%"
set "bad=0"
for /d %%p in ("%root%\tests\*Tests") do call :project "tests\%%~nxp" "%%~nxp"
if "%publishers%"=="yes" call :project deploy\TwoTower.Deployment.Tests TwoTower.Deployment.Tests
powershell -NoProfile -Command ^
  "$p = 0; $f = 0; $s = 0;" ^
  "Get-ChildItem $env:results -Filter *.trx | ForEach-Object {" ^
  "  $c = ([xml](Get-Content -Raw $_.FullName)).TestRun.ResultSummary.Counters;" ^
  "  $p += [int]$c.passed; $f += [int]$c.executed - [int]$c.passed; $s += [int]$c.total - [int]$c.executed };" ^
  "if ($env:bad -ne '0' -and $f -eq 0) { $f = [int]$env:bad };" ^
  "Write-Output ('{0} passed, {1} failed, {2} skipped' -f $p, $f, $s); exit [int]($f -gt 0)"
exit /b %errorlevel%

:project
echo testing %~2 ... 1>&2
pushd "%root%"
dotnet test "%~1" -c Release --no-build --results-directory "%results%" --logger "trx;LogFileName=%~2.trx" %rest% || set /a bad+=1
popd
exit /b 0

:build
if not exist "%logs%" mkdir "%logs%"
pushd "%root%"
dotnet --version >nul 2>nul || (
  echo twotower: the .NET SDK 10.0 or later is needed, https://dotnet.microsoft.com/download; this machine has: 1>&2
  dotnet --list-sdks 1>&2
  popd
  exit /b 2
)
dotnet build "%~1" -c Release -v q -clp:NoSummary >"%logs%\build.log" 2>&1 || (
  findstr /r /c:"error [A-Z]*[0-9]*" "%logs%\build.log" 1>&2
  echo twotower: %~1 doesn't build, all of it: %logs%\build.log 1>&2
  popd
  exit /b 2
)
popd
exit /b 0

:stamped
rem Builds, and remembers that the command line is built. The stamp is as old as the build's beginning: what is saved under way is newer.
if not exist "%root%\TwoTower.Cli\bin\Release" mkdir "%root%\TwoTower.Cli\bin\Release"
echo built >"%stamp%.new"
call :build "%~1" || exit /b 2
move /y "%stamp%.new" "%stamp%" >nul
exit /b 0

:stale
rem Success where a source is newer than the last build.
if not exist "%program%" exit /b 0
if not exist "%stamp%" exit /b 0
powershell -NoProfile -Command ^
  "$built = (Get-Item $env:stamp).LastWriteTimeUtc;" ^
  "$newer = Get-ChildItem $env:root -Directory -Filter 'TwoTower.*' | ForEach-Object { Get-ChildItem $_.FullName -Recurse -File } |" ^
  "  Where-Object { $_.FullName -notmatch '\\(bin|obj)\\' -and $_.LastWriteTimeUtc -gt $built };" ^
  "$shared = 'sql', 'recipes' | ForEach-Object { Join-Path $env:root $_ } | Where-Object { Test-Path $_ } |" ^
  "  ForEach-Object { Get-ChildItem $_ -Recurse -File } | Where-Object { $_.LastWriteTimeUtc -gt $built };" ^
  "$top = Get-ChildItem $env:root -File -Include *.props, *.targets, global.json -Recurse -Depth 0 | Where-Object { $_.LastWriteTimeUtc -gt $built };" ^
  "if ($newer -or $shared -or $top) { exit 0 } else { exit 1 }"
exit /b %errorlevel%
