using TwoTower.LocalPostgres.Apt;

namespace TwoTower.LocalPostgres.Tests.Apt;

public class OsReleaseTests
{
    [Theory]
    [InlineData("ID=debian\nVERSION_CODENAME=bookworm\n", "debian", "bookworm")]
    [InlineData("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n", "ubuntu", "noble")]
    [InlineData("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n", "ubuntu", "noble")]
    [InlineData("ID=linuxmint\nID_LIKE=debian\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm\n", "debian", "bookworm")]
    public void Debian_and_Ubuntu_and_what_is_built_on_them_are_known(string text, string distribution, string codename) =>
        Assert.Equal(new OsRelease(distribution, codename), OsRelease.Parse(text));

    [Theory]
    [InlineData("ID=fedora\nVERSION_CODENAME=\"\"\n")]
    [InlineData("ID=alpine\nVERSION_ID=3.22\n")]
    [InlineData("")]
    public void Others_have_no_archive_of_Debian_packages(string text) => Assert.Null(OsRelease.Parse(text));
}
