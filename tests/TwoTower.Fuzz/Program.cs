return await TwoTower.Fuzz.FuzzCommand.RunAsync(args);
