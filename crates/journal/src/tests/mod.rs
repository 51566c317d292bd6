mod threads;
