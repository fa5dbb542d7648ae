using System.Globalization;
using System.Security.Cryptography;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Apt;

/// <summary>A version of a package in an archive.</summary>
internal sealed record AptPackage(string Name, string Version, IReadOnlyList<IReadOnlyList<string>> Depends, long Size, string Sha256);

/// <summary>
/// An apt that shares nothing with the machine's but its proxy settings, credentials and keys: its own package lists and cache in
/// a folder of its own, one suite of one mirror, nothing installed. Works for every user.
/// </summary>
internal sealed class PrivateApt : IDisposable
{
    private readonly string _folder;
    private readonly string _configuration;

    public PrivateApt(string folder, AptMirror mirror, string suite, string components)
    {
        _folder = folder;
        foreach (var part in new[] { "lists/partial", "cache/archives/partial", "sources", "downloads" })
        {
            Directory.CreateDirectory(Path.Combine(folder, part));
        }

        List<string> source = ["Types: deb", $"URIs: {mirror.Uri}", $"Suites: {suite}", $"Components: {components}"];
        if (mirror.SignedBy is { } keys)
        {
            // An embedded key begins on the next line.
            source.Add(keys.StartsWith('\n') ? $"Signed-By:{keys}" : $"Signed-By: {keys}");
        }

        if (mirror.Trusted)
        {
            source.Add("Trusted: yes");
        }

        StateFolder.WriteSecret(Path.Combine(folder, "sources", "archive.sources"), string.Join('\n', source) + "\n");
        _configuration = Path.Combine(folder, "apt.conf");

        // Given with -c, so it is read after the machine's own apt.conf, which keeps its proxies and loses its hooks (they would
        // change the machine's cache) and extra downloads.
        File.WriteAllText(_configuration, $"""
            #clear APT::Update::Pre-Invoke;
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            #clear Acquire::IndexTargets::deb::DEP-11;
            #clear Acquire::IndexTargets::deb::DEP-11-icons;
            #clear Acquire::IndexTargets::deb::DEP-11-icons-small;
            #clear Acquire::IndexTargets::deb::DEP-11-icons-large;
            #clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;
            #clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;
            #clear Acquire::IndexTargets::deb::CNF;
            #clear Acquire::IndexTargets::deb::Contents-deb;
            #clear APT::Default-Release;
            Acquire::Languages "none";
            Acquire::Retries "2";
            Acquire::http::Timeout "20";
            Acquire::https::Timeout "20";
            Dir::State "{folder}";
            Dir::State::Lists "{folder}/lists";
            Dir::State::status "/dev/null";
            Dir::Cache "{folder}/cache";
            Dir::Cache::archives "{folder}/cache/archives";
            Dir::Cache::pkgcache "pkgcache.bin";
            Dir::Cache::srcpkgcache "srcpkgcache.bin";
            Dir::Etc::SourceList "/dev/null";
            Dir::Etc::SourceParts "{folder}/sources";
            Dir::Etc::Preferences "/dev/null";
            Dir::Etc::PreferencesParts "/dev/null";
            Dir::Log "{folder}";

            """);
    }

    /// <summary>Fetches and verifies the package lists; null, or why that failed.</summary>
    public async Task<string?> UpdateAsync(CancellationToken ct)
    {
        var result = await AptAsync("apt-get", ["update", "-q", "-o", "APT::Update::Error-Mode=any"], ct, TimeSpan.FromMinutes(3));
        return result.Succeeded ? null : result.Reason();
    }

    /// <summary>The names of packages that begin with a prefix.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(string prefix, CancellationToken ct)
    {
        var result = await AptAsync("apt-cache", ["pkgnames", prefix], ct);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>The newest version of each named package; names that the archive lacks are left out.</summary>
    public async Task<IReadOnlyDictionary<string, AptPackage>> ShowAsync(IEnumerable<string> names, CancellationToken ct)
    {
        // apt-cache complains of unknown and virtual names and still shows the others.
        var result = await AptAsync("apt-cache", ["show", "--no-all-versions", .. names], ct);
        var packages = new Dictionary<string, AptPackage>();
        foreach (var stanza in Stanzas.Parse(result.Output))
        {
            if (stanza.TryGetValue("Package", out var name) && stanza.TryGetValue("SHA256", out var sha)
                && stanza.TryGetValue("Version", out var version) && stanza.TryGetValue("Size", out var size))
            {
                var depends = DependencyNames(stanza.GetValueOrDefault("Pre-Depends")).Concat(DependencyNames(stanza.GetValueOrDefault("Depends")));
                packages.TryAdd(name, new AptPackage(
                    name, version, [.. depends], long.Parse(size, CultureInfo.InvariantCulture), sha));
            }
        }

        return packages;
    }

    /// <summary>Downloads what a folder doesn't hold yet, each file checked against the signed list's SHA-256.</summary>
    /// <returns>The files.</returns>
    public async Task<IReadOnlyList<string>> DownloadAsync(IReadOnlyCollection<AptPackage> packages, string keep, CancellationToken ct)
    {
        Directory.CreateDirectory(keep);
        string FileOf(AptPackage package) => Path.Combine(keep, $"{package.Name}_{package.Sha256[..16]}.deb");
        var missing = packages.Where(package => !IsWhole(FileOf(package), package)).ToList();
        if (missing.Count > 0)
        {
            var downloads = Path.Combine(_folder, "downloads");
            var result = await AptAsync(
                "apt-get", ["download", "-q", .. missing.Select(static package => $"{package.Name}={package.Version}")],
                ct, TimeSpan.FromMinutes(15), downloads);
            if (!result.Succeeded)
            {
                throw new IOException(result.Reason());
            }

            foreach (var package in missing)
            {
                var file = Directory.EnumerateFiles(downloads, $"{package.Name}_*.deb").Single();
                if (!IsWhole(file, package))
                {
                    throw new IOException($"{package.Name} {package.Version} doesn't have the SHA-256 of the package list");
                }

                File.Move(file, FileOf(package), overwrite: true);
            }
        }

        return [.. packages.Select(FileOf)];
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The names in a dependency field, alternatives together: "a (>= 1) | b, c:any" is [[a, b], [c]].</summary>
    internal static IEnumerable<IReadOnlyList<string>> DependencyNames(string? field) =>
        (field ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static group =>
                (IReadOnlyList<string>)[.. group.Split('|', StringSplitOptions.TrimEntries).Select(
                    static one => one.Split(' ', '(', ':', '[')[0])]);

    private static bool IsWhole(string file, AptPackage package)
    {
        if (!File.Exists(file))
        {
            return false;
        }

        using var stream = File.OpenRead(file);
        return stream.Length == package.Size
            && Convert.ToHexString(SHA256.HashData(stream)).Equals(package.Sha256, StringComparison.OrdinalIgnoreCase);
    }

    private Task<CommandResult> AptAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken ct, TimeSpan? limit = null, string? folder = null) =>
        ProgramRunner.RunAsync(program, ["-c", _configuration, .. arguments], ct, limit ?? TimeSpan.FromMinutes(1), folder);
}
