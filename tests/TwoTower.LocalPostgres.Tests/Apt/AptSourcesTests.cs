using TwoTower.LocalPostgres.Apt;

namespace TwoTower.LocalPostgres.Tests.Apt;

public class AptSourcesTests
{
    private static readonly OsRelease Bookworm = new("debian", "bookworm");
    private static readonly OsRelease Noble = new("ubuntu", "noble");

    [Fact]
    public void The_one_line_style_is_read_with_its_options()
    {
        var sources = AptSources.ParseList(
            """
            # deb http://commented.example/debian bookworm main
            deb http://deb.example/debian/ bookworm main contrib  # a remark
            deb-src http://deb.example/debian bookworm main
            deb [ arch=amd64,arm64 signed-by=/etc/keys/a.gpg,/etc/keys/b.gpg trusted=yes ] https://user:secret@mirror.example/debian stable main
            deb cdrom:[Debian GNU/Linux 12]/ bookworm main
            nonsense
            """);

        Assert.Equal(3, sources.Count);
        Assert.Equal(["http://deb.example/debian/"], sources[0].Uris);
        Assert.Equal(["bookworm"], sources[0].Suites);
        Assert.Equal(["main", "contrib"], sources[0].Components);
        Assert.Null(sources[0].SignedBy);
        Assert.False(sources[0].Trusted);
        Assert.Equal("/etc/keys/a.gpg /etc/keys/b.gpg", sources[1].SignedBy);
        Assert.True(sources[1].Trusted);
    }

    [Fact]
    public void The_stanza_style_is_read_with_continuation_lines_and_switched_off_stanzas_are_left_out()
    {
        var sources = AptSources.ParseDeb822(
            """
            Types: deb deb-src
            # A comment between fields.
            URIs: http://deb.example/debian
             http://second.example/debian
            Suites: bookworm bookworm-updates
            Components: main
            signed-by:
             -----BEGIN PGP PUBLIC KEY BLOCK-----
             .
             mQINBFXwzAAB
             -----END PGP PUBLIC KEY BLOCK-----

            Enabled: no
            Types: deb
            URIs: http://off.example/debian
            Suites: bookworm
            Components: main

            Types: deb-src
            URIs: http://source.example/debian
            Suites: bookworm
            Components: main
            """);

        var source = Assert.Single(sources);
        Assert.Equal(["http://deb.example/debian", "http://second.example/debian"], source.Uris);
        Assert.Equal(["bookworm", "bookworm-updates"], source.Suites);
        Assert.StartsWith("\n -----BEGIN PGP", source.SignedBy);
        Assert.EndsWith("\n -----END PGP PUBLIC KEY BLOCK-----", source.SignedBy);
    }

    [Fact]
    public void The_distributions_own_mirror_comes_first_and_other_archives_that_name_its_suite_after_it()
    {
        var sources = AptSources.ParseList(
            """
            deb [signed-by=/usr/share/keyrings/vendor.gpg] https://packages.vendor.example/prod bookworm main
            deb https://download.other.example/linux/debian bookworm stable
            deb http://security.example/debian-security bookworm-security main
            deb cdrom:/ bookworm main
            deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.example/debian/ bookworm main
            """);

        var mirrors = AptSources.MirrorsOf(sources, Bookworm);

        Assert.Equal(["http://deb.example/debian", "https://packages.vendor.example/prod"], mirrors.Select(mirror => mirror.Uri));
    }

    [Fact]
    public void A_source_that_follows_stable_counts_for_the_release_of_the_machine()
    {
        var mirrors = AptSources.MirrorsOf(AptSources.ParseList("deb http://deb.example/debian stable main"), Bookworm);
        Assert.Equal("http://deb.example/debian", Assert.Single(mirrors).Uri);
    }

    [Fact]
    public void An_Ubuntu_mirror_is_found_among_its_suites()
    {
        var sources = AptSources.ParseDeb822(
            """
            Types: deb
            URIs: http://ports.ubuntu.example/ubuntu-ports/
            Suites: noble noble-updates noble-backports
            Components: main universe restricted multiverse
            Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
            """);

        Assert.Equal("http://ports.ubuntu.example/ubuntu-ports", Assert.Single(AptSources.MirrorsOf(sources, Noble)).Uri);
    }

    [Fact]
    public void A_mirrors_password_is_never_shown() =>
        Assert.Equal("https://mirror.example/debian", new AptMirror("https://user:secret@mirror.example/debian", null, false).ShownUri);

    [Fact]
    public void Files_of_a_folder_are_read_by_their_endings()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "sources.list.d"));
        File.WriteAllText(Path.Combine(folder.Path, "sources.list"), "deb http://one.example/debian bookworm main\n");
        File.WriteAllText(Path.Combine(folder.Path, "sources.list.d", "a.sources"), "Types: deb\nURIs: http://two.example\nSuites: bookworm\nComponents: main\n");
        File.WriteAllText(Path.Combine(folder.Path, "sources.list.d", "b.list"), "deb http://three.example bookworm main\n");
        File.WriteAllText(Path.Combine(folder.Path, "sources.list.d", "c.list.disabled"), "deb http://four.example bookworm main\n");

        Assert.Equal(
            ["http://one.example/debian", "http://two.example", "http://three.example"],
            AptSources.Read(folder.Path).Select(source => source.Uris[0]));
    }

    [Fact]
    public void Dependencies_keep_their_alternatives_and_lose_versions_and_architectures() =>
        Assert.Equal(
            [["locales", "locales-all"], ["libc6"], ["libssl3t64"], ["perl"]],
            PrivateApt.DependencyNames("locales | locales-all, libc6 (>= 2.43), libssl3t64(>= 3.4.0), perl:any"));
}
