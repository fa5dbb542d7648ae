@echo off
rem Builds pgvector for the PostgreSQL of this Windows machine (PGROOT, else the newest under Program Files). Needs git and Visual Studio's
rem C++ tools, which GitHub's images have, and the right to write into PostgreSQL's folder. The steps are pgvector's own for Windows.
setlocal EnableExtensions
set "version=v0.8.6"
if not defined PGROOT for /d %%p in ("%ProgramFiles%\PostgreSQL\*") do set "PGROOT=%%p"
if not exist "%PGROOT%\bin\postgres.exe" (
  echo pgvector: no PostgreSQL under "%PGROOT%": install it, or set PGROOT 1>&2
  exit /b 2
)
set "vswhere=%ProgramFiles(x86)%\Microsoft Visual Studio\Installer\vswhere.exe"
for /f "usebackq delims=" %%v in (`"%vswhere%" -latest -products * -requires Microsoft.VisualStudio.Component.VC.Tools.x86.x64 -property installationPath`) do set "studio=%%v"
if not defined studio (
  echo pgvector: no Visual Studio with C++ tools: install its workload "Desktop development with C++" 1>&2
  exit /b 2
)
call "%studio%\VC\Auxiliary\Build\vcvars64.bat" || exit /b 2
git clone --quiet --depth 1 --branch %version% https://github.com/pgvector/pgvector.git "%TEMP%\pgvector" || exit /b 2
cd /d "%TEMP%\pgvector" || exit /b 2
nmake /NOLOGO /F Makefile.win && nmake /NOLOGO /F Makefile.win install
